// out[r, i] = scale · latents[image of r, i] + shift, stored as elem; behind those, what lies beside this image's latents.

struct Params {
  rowElements: u32,
  rows: u32,
  scale: f32,
  shift: f32,
  besideElements: u32,
  images: array<u32>,
}

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> latents: array<f32>;
@group(0) @binding(2) var<storage, read> beside: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<elem>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let rowElements = params.rowElements;
  if (i >= rowElements + params.besideElements) { return; }
  let image = params.images[id.y];
  var value = 0.0;
  if (i < rowElements) {
    value = params.scale * latents[image * rowElements + i] + params.shift;
  } else {
    value = beside[image * params.besideElements + i - rowElements];
  }
  out[id.y * (rowElements + params.besideElements) + i] = elem(value);
}
