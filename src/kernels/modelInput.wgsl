// out[r, i] = scale · latents[image of r, i] + shift, stored as elem.

struct Params {
  rowElements: u32,
  rows: u32,
  scale: f32,
  shift: f32,
  images: array<u32>,
}

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> latents: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<elem>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.rowElements) { return; }
  let image = params.images[id.y];
  out[id.y * params.rowElements + i] = elem(params.scale * latents[image * params.rowElements + i] + params.shift);
}
