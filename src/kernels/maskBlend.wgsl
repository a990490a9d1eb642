// out = m·x + (1 − m)·(sample·z + noise·n), a thread per latent element; m is one plane for all channels. Where m is 0
// or 1 the other side is not read: what lies there cannot leak, not even a NaN.

struct Params {
  elements: u32,
  plane: u32,
  sample: f32,
  noise: f32,
}

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> latents: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<f32>;
@group(0) @binding(3) var<storage, read> startNoise: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.elements) { return; }
  let at = id.y * params.elements + i;
  let m = mask[i % params.plane];
  var blended = 0.0;
  if (m != 0.0) { blended = m * latents[at]; }
  if (m != 1.0) { blended += (1.0 - m) * (params.sample * start[at] + params.noise * startNoise[at]); }
  out[at] = blended;
}
