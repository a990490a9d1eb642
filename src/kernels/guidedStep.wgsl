// Guidance and scheduler step in one pass, a thread per latent element:
//   prediction = Σᵣ weights[image, r]·predictions[r]        rows of weight 0 are not read
//   D          = estimate.x·x + estimate.y·prediction, clamped to ±clip where that is not 0
//   x′         = next · (x, prediction, D, z) + Σₖ historyFactors[k]·history[k]
//   K          = keep · (x, prediction, D, z)
// History is [depth, images, elements], newest first; the next one is K and this one without its last.

struct Params {
  elements: u32,
  rows: u32,
  images: u32,
  depth: u32,
  estimate: vec2f,
  clip: f32,
  padding: f32,
  next: vec4f,
  keep: vec4f,
  historyFactors: vec4f,
  weights: array<f32>,
}

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> predictions: array<elem>;
@group(0) @binding(2) var<storage, read> latents: array<f32>;
@group(0) @binding(3) var<storage, read> history: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> nextLatents: array<f32>;
@group(0) @binding(6) var<storage, read_write> denoised: array<f32>;
@group(0) @binding(7) var<storage, read_write> nextHistory: array<f32>;

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
  var d = params.estimate.x * x + params.estimate.y * prediction;
  if (params.clip != 0.0) { d = clamp(d, -params.clip, params.clip); }
  var z = 0.0;
  if (params.next.w != 0.0 || params.keep.w != 0.0) { z = noise[at]; }
  let known = vec4f(x, prediction, d, z);

  let stride = params.images * params.elements;
  var next = dot(params.next, known);
  for (var k = 0u; k < params.depth; k++) {
    if (params.historyFactors[k] != 0.0) { next += params.historyFactors[k] * history[k * stride + at]; }
  }
  nextLatents[at] = next;
  denoised[at] = d;
  nextHistory[at] = dot(params.keep, known);
  for (var k = 1u; k < params.depth; k++) {
    nextHistory[k * stride + at] = history[(k - 1u) * stride + at];
  }
}
