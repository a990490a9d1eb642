// One workgroup an image. Each thread sums with a stride, then every thread adds up all of those sums in the same
// order: a run repeats exactly, and there are few barriers, which are slow to compile for CPUs that stand in for GPUs.

const NO_ROW = 0xffffffffu;
const THREADS = 256u;
/// 3×3 Gaussian of σ = 1, normalised: its factors along one axis.
const SIDE = 0.27406862;
const MIDDLE = 0.45186276;

struct Image {
  uncond: u32,
  cond: u32,
  perturbed: u32,
  padding: u32,
  guidanceScale: f32,
  pagScale: f32,
  paddingEnd: vec2f,
}

struct Params {
  channels: u32,
  height: u32,
  width: u32,
  mode: u32, // 0 off, 1 full, 2 partial, 3 snf
  sample: f32,
  prediction: f32,
  amount: f32,
  guidanceRescale: f32,
  images: array<Image>,
}

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> predictions: array<elem>;
@group(0) @binding(2) var<storage, read> latents: array<f32>;
@group(0) @binding(3) var<storage, read_write> combined: array<f32>;

var<workgroup> partial: array<vec2f, THREADS>;
var<private> image: Image;
var<private> elements: u32;

fn row(index: u32, i: u32) -> f32 { return f32(predictions[index * elements + i]); }

/// ε_∅ where there is CFG, else ε_c: what the CFG term is added to.
fn base(i: u32) -> f32 {
  if (image.uncond == NO_ROW) { return row(image.cond, i); }
  return row(image.uncond, i);
}

fn cfgTerm(i: u32) -> f32 {
  if (image.uncond == NO_ROW) { return 0.0; }
  return image.guidanceScale * (row(image.cond, i) - row(image.uncond, i));
}

fn pagTerm(i: u32) -> f32 {
  if (image.perturbed == NO_ROW) { return 0.0; }
  return image.pagScale * (row(image.cond, i) - row(image.perturbed, i));
}

/// Makes every thread's value readable for all.
fn share(own: vec2f, thread: u32) {
  workgroupBarrier();
  partial[thread] = own;
  workgroupBarrier();
}

/// Sums over the workgroup; all threads get the result.
fn total(own: vec2f, thread: u32) -> vec2f {
  share(own, thread);
  var sum = vec2f(0.0);
  for (var i = 0u; i < THREADS; i++) { sum += partial[i]; }
  return sum;
}

/// Unbiased standard deviations from two sums of squared distances to the mean.
fn deviations(squares: vec2f) -> vec2f { return sqrt(squares / f32(max(elements, 2u) - 1u)); }

fn reflected(at: i32, size: i32) -> i32 {
  if (at < 0) { return min(1, size - 1); }
  return select(at, max(size - 2, 0), at >= size);
}

/// Blurred magnitudes, in D, of the CFG term and of PAG's at one place of a channel.
fn saliency(channel: u32, y: i32, x: i32) -> vec2f {
  let size = vec2i(i32(params.width), i32(params.height));
  var sum = vec2f(0.0);
  for (var dy = -1; dy <= 1; dy++) {
    for (var dx = -1; dx <= 1; dx++) {
      let at = vec2i(reflected(x + dx, size.x), reflected(y + dy, size.y));
      let i = (channel * params.height + u32(at.y)) * params.width + u32(at.x);
      let weight = select(SIDE, MIDDLE, dx == 0) * select(SIDE, MIDDLE, dy == 0);
      sum += weight * abs(params.prediction * vec2f(cfgTerm(i), pagTerm(i)));
    }
  }
  return sum;
}

/// ln Σ exp over a channel, of both magnitudes.
fn logSumExp(channel: u32, thread: u32) -> vec2f {
  let area = params.height * params.width;
  var highest = vec2f(0.0); // magnitudes are not negative
  for (var i = thread; i < area; i += THREADS) {
    highest = max(highest, saliency(channel, i32(i / params.width), i32(i % params.width)));
  }
  share(highest, thread);
  for (var i = 0u; i < THREADS; i++) { highest = max(highest, partial[i]); }
  var sum = vec2f(0.0);
  for (var i = thread; i < area; i += THREADS) {
    sum += exp(saliency(channel, i32(i / params.width), i32(i % params.width)) - highest);
  }
  return highest + log(total(sum, thread));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let thread = local.x;
  let own = params.images[group.x];
  image = own;
  elements = params.channels * params.height * params.width;
  let offset = group.x * elements;
  let count = f32(elements);
  let hasCfg = own.uncond != NO_ROW;
  let hasPag = own.perturbed != NO_ROW;

  var factor = 1.0;
  if (hasPag && (params.mode == 1u || params.mode == 2u)) {
    var sums = vec2f(0.0);
    for (var i = thread; i < elements; i += THREADS) { sums += pair(offset, i); }
    let means = total(sums, thread) / count;
    var squares = vec2f(0.0);
    for (var i = thread; i < elements; i += THREADS) {
      let distance = pair(offset, i) - means;
      squares += distance * distance;
    }
    let spread = deviations(total(squares, thread));
    factor = params.amount * spread.x / spread.y + 1.0 - params.amount;
  }

  if (hasPag && hasCfg && params.mode == 3u) {
    let area = params.height * params.width;
    for (var channel = 0u; channel < params.channels; channel++) {
      let norms = logSumExp(channel, thread);
      for (var at = thread; at < area; at += THREADS) {
        let i = channel * area + at;
        let likely = saliency(channel, i32(at / params.width), i32(at % params.width)) - norms;
        combined[offset + i] = base(i) + select(pagTerm(i), cfgTerm(i), likely.x >= likely.y);
      }
    }
  } else {
    for (var i = thread; i < elements; i += THREADS) {
      combined[offset + i] = base(i) + cfgTerm(i) + factor * pagTerm(i);
    }
  }

  if (hasCfg && params.guidanceRescale > 0.0) {
    storageBarrier();
    var sums = vec2f(0.0);
    for (var i = thread; i < elements; i += THREADS) { sums += vec2f(row(image.cond, i), combined[offset + i]); }
    let means = total(sums, thread) / count;
    var squares = vec2f(0.0);
    for (var i = thread; i < elements; i += THREADS) {
      let distance = vec2f(row(image.cond, i), combined[offset + i]) - means;
      squares += distance * distance;
    }
    let spread = deviations(total(squares, thread));
    let scale = params.guidanceRescale * spread.x / spread.y + 1.0 - params.guidanceRescale;
    for (var i = thread; i < elements; i += THREADS) { combined[offset + i] *= scale; }
  }
}

/// D_c and X, whose deviations the rescale compares.
fn pair(offset: u32, i: u32) -> vec2f {
  let x = params.sample * latents[offset + i];
  let cond = row(image.cond, i);
  let start = select(cond, base(i) + cfgTerm(i), params.mode == 1u);
  return vec2f(x + params.prediction * cond, x + params.prediction * (start + pagTerm(i)));
}
