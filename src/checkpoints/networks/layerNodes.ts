// The layers of which the networks are made, in the operators that are right and quick on WebGPU and on the CPU alike.
// None computes with shapes. Maps are [batch, channels, height, width], tokens [batch, tokens, channels].

import { FLOAT, FLOAT16 } from '../../onnx/file/model';
import { MICROSOFT, type GraphBuilder } from './graphBuilder';

export interface Convolution {
  readonly from: number;
  readonly to: number;
  /** 3 if not given. */
  readonly kernel?: number;
  readonly stride?: number;
  /** Top, left, bottom, right; half the kernel on all sides if not given. */
  readonly pads?: readonly [number, number, number, number];
  readonly bias?: boolean;
}

export function conv(
  g: GraphBuilder,
  x: string,
  { from, to, kernel = 3, stride = 1, pads, bias = true }: Convolution,
): string {
  const half = Math.floor(kernel / 2);
  const inputs = [x, g.weight('weight', [to, from, kernel, kernel]), ...(bias ? [g.weight('bias', [to])] : [])];
  return g.op('Conv', inputs, {
    attributes: {
      kernel_shape: { ints: [kernel, kernel] },
      strides: { ints: [stride, stride] },
      pads: { ints: pads ?? [half, half, half, half] },
    },
  });
}

export interface Projection {
  readonly from: number;
  readonly to: number;
  readonly bias?: boolean;
}

/**
 * Of tokens. A MatMul: Gemm, which would take the weight as it lies, has no batch, and to give it back to what was
 * flattened for it takes sizes that are known only in a run.
 */
export function linear(g: GraphBuilder, x: string, { from, to, bias = true }: Projection): string {
  const product = g.op('MatMul', [x, g.transposedWeight('weight', [to, from])]);
  return bias ? g.op('Add', [product, g.weight('bias', [to])]) : product;
}

/** Of a matrix of rows: Gemm takes the weight as it lies. */
export function linearOfRows(g: GraphBuilder, x: string, { from, to, bias = true }: Projection): string {
  const inputs = [x, g.weight('weight', [to, from]), ...(bias ? [g.weight('bias', [to])] : [])];
  return g.op('Gemm', inputs, { attributes: { transB: { int: 1 } } });
}

export interface Groups {
  readonly channels: number;
  readonly groups: number;
  readonly eps: number;
  /** Give [batch, channels, height·width] instead of a map. */
  readonly flat?: boolean;
}

/**
 * (x − mean)/√(variance + ε) over each group, as the instances of a normalisation; then a factor and a summand a
 * channel.
 */
export function groupNorm(g: GraphBuilder, x: string, { channels, groups, eps, flat = false }: Groups): string {
  const grouped = g.op('Reshape', [x, g.int64s([0, groups, -1])]);
  const normalised = g.op('InstanceNormalization', [grouped, g.filled(1, [groups]), g.filled(0, [groups])], {
    attributes: { epsilon: { float: eps } },
  });
  const shape = flat ? g.int64s([0, channels, -1]) : g.shapeOf(x);
  const sizes = flat ? [channels, 1] : [channels, 1, 1];
  const scaled = g.op('Mul', [g.op('Reshape', [normalised, shape]), g.weight('weight', [channels], sizes)]);
  return g.op('Add', [scaled, g.weight('bias', [channels], sizes)]);
}

/** Over the last axis. */
export function layerNorm(g: GraphBuilder, x: string, channels: number, eps: number): string {
  return g.op('LayerNormalization', [x, g.weight('weight', [channels]), g.weight('bias', [channels])], {
    attributes: { axis: { int: -1 }, epsilon: { float: eps } },
  });
}

/** x·σ(x): QuickGelu, x·σ(αx), with α = 1. */
export function silu(g: GraphBuilder, x: string): string {
  return quickGelu(g, x, 1);
}

/** x·σ(αx). */
export function quickGelu(g: GraphBuilder, x: string, alpha = 1.702): string {
  return g.op('QuickGelu', [x], { domain: MICROSOFT, attributes: { alpha: { float: alpha } } });
}

/** With erf. */
export function gelu(g: GraphBuilder, x: string): string {
  return g.op('Gelu', [x], { domain: MICROSOFT });
}

/**
 * The sizes for which ONNX Runtime has BiasSplitGelu: those of UNets' feed-forward layers. In f16 it is left alone: it
 * was seen to be wrong there (ONNX Runtime 1.30, Dawn on lavapipe: an error of ten times the largest value).
 */
const SPLIT_GELU = new Set([2560, 5120, 10240]);

/** value·gelu(gate), where a projection gives [value, gate]. */
export function geglu(g: GraphBuilder, x: string, { from, to }: Projection): string {
  const product = linear(g, x, { from, to: 2 * to, bias: false });
  const bias = g.weight('bias', [2 * to]);
  if (g.options.splitsGelu && g.type === FLOAT && SPLIT_GELU.has(2 * to)) {
    return g.op('BiasSplitGelu', [product, bias], { domain: MICROSOFT });
  }
  const [value = '', gate = ''] = g.ops('Split', [g.op('Add', [product, bias])], ['value', 'gate'], {
    attributes: { axis: { int: -1 }, num_outputs: { int: 2 } },
  });
  return g.op('Mul', [value, gelu(g, gate)]);
}

export interface AttentionParts {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly heads: number;
  readonly headDim: number;
  /** What is added to the logits; nothing if not given. */
  readonly mask?: string;
  /** Tokens, where they are always so many: all operands are then [batch·tokens, channels]. */
  readonly tokens?: number;
  /** In a graph of f16, compute the logits in f32. */
  readonly upcast?: boolean;
}

/**
 * softmax(q·kᵀ/√d)·v, in the separate operators in which sites are found; onnx/passes/fuse makes one of them where the
 * device has it. Queries are scaled first: in f16 the logits may overflow.
 */
export function attention(g: GraphBuilder, parts: AttentionParts): string {
  const { q, k, v, heads, headDim, mask, tokens, upcast = false } = parts;
  const split = g.int64s(tokens === undefined ? [0, 0, heads, headDim] : [-1, tokens, heads, headDim]);
  const merged = g.int64s(tokens === undefined ? [0, 0, heads * headDim] : [-1, heads * headDim]);
  const headsFirst = (value: string, perm: readonly number[]) =>
    g.op('Transpose', [g.op('Reshape', [value, split])], { attributes: { perm: { ints: perm } } });
  const wide = upcast && g.type === FLOAT16;
  const cast = (value: string, to: number) =>
    wide ? g.op('Cast', [value], { attributes: { to: { int: to } } }) : value;
  const scale = g.numbers([1 / Math.sqrt(headDim)], [], wide ? FLOAT : g.type);
  const queries = g.op('Mul', [cast(headsFirst(q, [0, 2, 1, 3]), FLOAT), scale]);
  const products = g.op('MatMul', [queries, cast(headsFirst(k, [0, 2, 3, 1]), FLOAT)]);
  const logits = mask === undefined ? products : g.op('Add', [products, mask]);
  const weights = cast(g.op('Softmax', [logits], { attributes: { axis: { int: -1 } } }), FLOAT16);
  const mixed = g.op('MatMul', [weights, headsFirst(v, [0, 2, 1, 3])]);
  const back = g.op('Transpose', [mixed], { attributes: { perm: { ints: [0, 2, 1, 3] } } });
  return g.op('Reshape', [back, merged]);
}

/** Nearest to height and width of another map; to twice its own if none is given. */
export function upsample(g: GraphBuilder, x: string, like: string | null = null): string {
  const nearest = { coordinate_transformation_mode: { string: 'asymmetric' }, nearest_mode: { string: 'floor' } };
  if (like === null) return g.op('Resize', [x, '', g.numbers([1, 1, 2, 2], [4], FLOAT)], { attributes: nearest });
  return g.op('Resize', [x, '', '', g.shapeOf(like, 2, 4)], { attributes: { ...nearest, axes: { ints: [2, 3] } } });
}

export function add(g: GraphBuilder, a: string, b: string): string {
  return g.op('Add', [a, b]);
}

export function concat(g: GraphBuilder, values: readonly string[], axis: number): string {
  return g.op('Concat', values, { attributes: { axis: { int: axis } } });
}

/** A map as tokens: [batch, channels, height·width] the other way round, and back. */
export function swapped(g: GraphBuilder, x: string): string {
  return g.op('Transpose', [x], { attributes: { perm: { ints: [0, 2, 1] } } });
}
