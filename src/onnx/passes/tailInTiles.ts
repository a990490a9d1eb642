// The end of a VAE's decoder in a form that runs on one tile of the picture after the other, and the beginning that
// runs whole: the attention is there, and the maps are small. At the end all is local but the norms: they weigh each
// number by the mean and the variance of its group over the whole picture,
//
//   y = s·(x − μ_g)/√(σ²_g + ε) + b  =  x·scale_c + shift_c        [1, channels, height, width]
//
// so that the end is cut in front of each norm (segments/cut), and scale and shift become inputs, computed when all
// tiles in front of it are there. So nothing but rounding tells tiles from the whole. Since the norms' Reshapes and the
// sizes of Resizes are gone, an end that was exported for one size takes tiles too.

import { living } from '../graph/living';
import type { Graph } from '../graph/graph';
import type { Facts } from '../graph/facts';
import { makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, type GraphNode, type Model, type Tensor } from '../file/model';

/** A norm at which the end is cut, as segments/cut takes it. */
export interface NormPlace {
  /** The norm's input, three times over. */
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** The same numbers, once all of them are there. */
  readonly output: string;
  /** Inputs of the end, f32 [1, channels, 1, 1]. */
  readonly scale: string;
  readonly shift: string;
  readonly groups: number;
  readonly epsilon: number;
  /** s and b of each group. */
  readonly factors: readonly number[];
  readonly summands: readonly number[];
}

export interface Split {
  /** The value between the two. */
  readonly from: string;
  /** Of the graph's inputs makes `from`. */
  readonly beginning: Model;
  /** Of `from`, and scale and shift of each norm, makes `output`. */
  readonly end: Model;
  readonly norms: readonly NormPlace[];
}

/**
 * Pure. One for each upsampling, the last first: the end behind it is shortest. Whether all else of an end is local,
 * passes/reach tells.
 * @param facts of the graph at the sizes of a run.
 */
export function splits(graph: Graph, facts: Facts, output: string): Split[] {
  const { model } = graph;
  const norms: NormPlace[] = [];
  const added = new Map<string, Tensor>();
  const nodes = model.nodes.flatMap((node) => {
    const norm = normOf(graph, facts, node);
    if (norm) norms.push(norm.place);
    return norm?.nodes ?? [byScales(facts, added, node)];
  });
  const values = model.nodes.filter((node) => node.opType === 'Resize').map(({ inputs }) => inputs[0]!);
  const type = (name: string) => facts.types.get(name) ?? FLOAT;
  return [...new Set(values)].reverse().flatMap((from) => {
    const makes = nodes.findIndex((node) => node.outputs.includes(from));
    const behind = living(
      nodes.filter((_, at) => at !== makes),
      [output],
    );
    const read = new Set(behind.flatMap((node) => node.inputs));
    const mine = norms.filter((norm) => read.has(norm.scale));
    const inputs = [
      { name: from, elemType: type(from), dims: null },
      ...mine.flatMap(({ scale, shift }) => [scale, shift].map((name) => ({ name, elemType: FLOAT, dims: null }))),
    ];
    const made = new Set([...inputs.map(({ name }) => name), ...behind.flatMap((node) => node.outputs)]);
    const known = (name: string) => name === '' || made.has(name) || model.initializers.has(name) || added.has(name);
    if (makes < 0 || ![...read].every(known)) return [];
    const initializers = new Map([...model.initializers, ...added]);
    return [
      {
        from,
        beginning: {
          ...model,
          nodes: living(model.nodes, [from]),
          outputs: [{ name: from, elemType: type(from), dims: null }],
        },
        end: {
          ...model,
          initializers,
          nodes: behind,
          inputs,
          outputs: [{ name: output, elemType: type(output), dims: null }],
        },
        norms: mine,
      },
    ];
  });
}

/**
 * GroupNorm as exporters write it, [1, C, H, W] → Reshape [1, groups, −1] → InstanceNormalization → Reshape back, or an
 * InstanceNormalization of the map itself; null for anything else. Its nodes take the place of the last of these.
 */
function normOf(graph: Graph, { shapes, values, types }: Facts, last: GraphNode) {
  const isReshape = last.opType === 'Reshape';
  const norm = isReshape ? graph.producers.get(last.inputs[0] ?? '') : last;
  if (norm?.opType !== 'InstanceNormalization') return null;
  const grouping = isReshape ? graph.producers.get(norm.inputs[0] ?? '') : undefined;
  if (isReshape && grouping?.opType !== 'Reshape') return null;
  const x = (grouping ?? norm).inputs[0]!;
  const out = last.outputs[0]!;
  const [dims, back] = [shapes.get(x), shapes.get(out)];
  const groups = shapes.get(norm.inputs[0] ?? '')?.[1];
  if (dims?.length !== 4 || dims.some((dim, axis) => dim === null || dim !== back?.[axis])) return null;
  if (typeof groups !== 'number' || dims[1]! % groups !== 0) return null;
  const given = (place: number) => {
    const numbers = values.get(norm.inputs[place] ?? '');
    return numbers?.length === groups && numbers.every((number) => number !== null) ? numbers : null;
  };
  const [factors, summands] = [given(1), given(2)];
  if (!factors || !summands) return null;
  const named = (what: string) => `${out} ${what}`;
  const place: NormPlace = {
    q: x,
    k: x,
    v: x,
    output: named('whole'),
    scale: named('scale'),
    shift: named('shift'),
    groups,
    epsilon: norm.attributes.get('epsilon')?.f ?? 1e-5,
    factors,
    summands,
  };
  const half = types.get(x) === FLOAT16;
  const step = (opType: string, inputs: readonly string[], to: string, cast?: number) =>
    makeNode({ name: to, opType }, inputs, [to], cast === undefined ? {} : { to: { int: cast } });
  // ONNX Runtime's norm reckons in f32 as well.
  const whole = half ? named('wide') : place.output;
  const nodes = [
    step('Identity', [x], place.output),
    ...(half ? [step('Cast', [place.output], whole, FLOAT)] : []),
    step('Mul', [whole, place.scale], named('scaled')),
    step('Add', [named('scaled'), place.shift], half ? named('shifted') : out),
    ...(half ? [step('Cast', [named('shifted')], out, FLOAT16)] : []),
  ];
  return { place, nodes };
}

/** A Resize that repeats each number, by how often instead of by sizes; else the node itself. */
function byScales({ shapes }: Facts, added: Map<string, Tensor>, node: GraphNode): GraphNode {
  const times = node.opType === 'Resize' ? repeats(node, shapes) : null;
  if (times === null) return node;
  const [x = ''] = node.inputs;
  const out = node.outputs[0]!;
  const name = `${out} scales`;
  const raw = new Uint8Array(Float32Array.of(1, 1, times, times).buffer);
  added.set(name, { name, dims: [4], dataType: FLOAT, raw, range: null, encoded: null });
  return makeNode({ name: node.name, opType: 'Resize' }, [x, '', name], [out], {
    mode: { string: 'nearest' },
    coordinate_transformation_mode: { string: 'asymmetric' },
    nearest_mode: { string: 'floor' },
  });
}

/** How often a Resize repeats each number along both axes of a map; null where it does something else. */
export function repeats(node: GraphNode, shapes: Facts['shapes']): number | null {
  const [from, to] = [shapes.get(node.inputs[0] ?? ''), shapes.get(node.outputs[0] ?? '')];
  const attribute = (name: string, usual: string) => node.attributes.get(name)?.s || usual;
  const mapping = attribute('coordinate_transformation_mode', 'half_pixel');
  const rounding = attribute('nearest_mode', 'round_prefer_floor');
  const isRepeat =
    attribute('mode', 'nearest') === 'nearest' &&
    ((mapping === 'asymmetric' && rounding === 'floor') ||
      (/^(pytorch_)?half_pixel$/.test(mapping) && rounding === 'round_prefer_floor'));
  const times = (to?.[2] ?? 0) / (from?.[2] ?? 0);
  const fits = from?.length === 4 && Number.isInteger(times) && times > 0 && to?.[3] === times * (from[3] ?? 0);
  return isRepeat && fits ? times : null;
}
