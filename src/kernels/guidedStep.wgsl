// Guidance and scheduler step in one pass, a thread per latent element:
//   prediction = Σᵣ weights[image, r]·predictions[r]        rows of weight 0 are not read
//   D          = factors.x·x + factors.y·prediction
//   x′         = next.x·x + next.y·D + next.z·D₋₁ + next.w·noise

struct Params {
  elements: u32,
  rows: u32,
  usesPrevious: u32,
  usesNoise: u32,
  factors: vec2f,
  padding: vec2f,
  next: vec4f,
  weights: array<f32>,
}

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> predictions: array<elem>;
@group(0) @binding(2) var<storage, read> latents: array<f32>;
@group(0) @binding(3) var<storage, read> previousDenoised: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> nextLatents: array<f32>;
@group(0) @binding(6) var<storage, read_write> denoised: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.elements) { return; }
  let at = id.y * params.elements + i;
  var prediction = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    let weight = params.weights[id.y * params.rows + row];
    if (weight != 0.0) {
      prediction += weight * f32(predictions[row * params.elements + i]);
    }
  }
  let x = latents[at];
  let d = params.factors.x * x + params.factors.y * prediction;
  var next = params.next.x * x + params.next.y * d;
  if (params.usesPrevious != 0u) { next += params.next.z * previousDenoised[at]; }
  if (params.usesNoise != 0u) { next += params.next.w * noise[at]; }
  nextLatents[at] = next;
  denoised[at] = d;
}
