// A UNet graph whose exporter fixed the batch, for any number of rows: targets of Reshapes and the like are replaced
// where that is proven to change nothing, else the graph is left alone and it is said why.
//
// The proof. Every replaced constant equals the old one at the batch B of the export, so at B rows the new graph
// computes what the old one did. And every operator that rows reach treats each row by itself (`rows` and `rebatch` of
// its record in onnx/operators): row r of the output is F(row r of the inputs), whatever the number of rows. So F is
// what the old graph computes for a row. It does not matter which axes were guessed to be the batch, not even at B = 1,
// where any 1 may be one: a wrong guess ends in an operator that is refused. At last the whole graph is inferred anew
// at a few batches, and every value that holds rows must have that many.

import { inferFacts } from '../../graph/facts';
import type { PartialValues } from '../../operators/values';
import { int64s, makeNode } from '../../file/makeNode';
import type { Model, GraphNode, Tensor, ValueInfo } from '../../file/model';
import { readsOf } from '../../file/order';
import { mixes, Unfree, type Maker, type Rows } from '../../operators/rows';
import { operatorOf } from '../../operators/table';
import { RowTally } from './rowTally';

export interface FreedBatch {
  /** null where the batch stays fixed. */
  readonly model: Model | null;
  readonly why: string;
  /** Values whose first axis has one entry a row; what is the same for all rows is none of them. */
  readonly rowValues: ReadonlySet<string>;
}

/** What the free dimension is called, in every input and output. */
const ROWS = 'rows';
const PROVEN_AT = [1, 2, 3, 5, 64];
const MOST_ROWS = 4096;
const DOMAINS = new Set(['', 'ai.onnx', 'com.microsoft']);

/** Pure; `model` is left as it is, and its nodes must be in topological order. */
export function freeBatch(model: Model): FreedBatch {
  try {
    const { sample, batch, holders } = rowInputs(model.inputs);
    const tally = new RowTally(model, batch, holders);
    const freed = new Freeing(model, sample, tally).freed();
    return {
      model: freed,
      why: '',
      rowValues: new Set(
        [...tally.holders].filter(([, { axis, each }]) => axis === 0 && each === 1).map(([name]) => name),
      ),
    };
  } catch (error) {
    if (error instanceof Unfree) return { model: null, why: error.message, rowValues: new Set() };
    throw error;
  }
}

/**
 * The latents, their batch, and all inputs that have one entry a row.
 * A timestep [1] is one for all rows, also at batch 1.
 */
function rowInputs(inputs: readonly ValueInfo[]): { sample: string; batch: number; holders: string[] } {
  const samples = inputs.filter(({ dims }) => dims?.length === 4);
  const batch = samples[0]?.dims?.[0];
  if (samples.length !== 1 || typeof batch !== 'number')
    throw new Unfree('There is no one input of latents with a fixed batch');
  if (!Number.isInteger(batch) || batch < 1 || batch > MOST_ROWS) throw new Unfree(`${batch} is no number of rows`);
  const holders: string[] = [];
  for (const { name, dims } of inputs) {
    if (!dims) throw new Unfree(`The sizes of ${name} are not declared`);
    if (dims.length === 0 || (dims.length === 1 && (dims[0] !== batch || batch === 1))) continue;
    if (dims[0] !== batch) throw new Unfree(`${name} has another first size than the latents`);
    holders.push(name);
  }
  return { sample: samples[0]?.name ?? '', batch, holders };
}

class Freeing implements Maker {
  private readonly added = new Map<string, Tensor>();
  private readonly firsts = new Map<string, string>();
  private readonly taken: ReadonlySet<string>;
  private names = 0;
  private count: string | null = null;

  constructor(
    private readonly model: Model,
    private readonly sample: string,
    private readonly tally: RowTally,
  ) {
    this.taken = new Set([
      ...model.nodes.flatMap(({ outputs }) => outputs),
      ...model.inputs.map(({ name }) => name),
      ...model.initializers.keys(),
    ]);
  }

  freed(): Model {
    const { tally } = this;
    for (const node of this.model.nodes) this.take(node);
    for (const { name } of this.model.outputs) {
      const rows = tally.rows(name);
      if (rows?.axis !== 0 || rows.each !== 1) throw new Unfree(`The output ${name} does not have the rows`);
    }
    const free = (info: ValueInfo): ValueInfo => {
      const rows = tally.rows(info.name);
      if (!rows || !info.dims) return info;
      return {
        ...info,
        dims: info.dims.map((dim, axis) => (axis === rows.axis ? (rows.each === 1 ? ROWS : '') : dim)),
      };
    };
    const model: Model = {
      ...this.model,
      nodes: tally.nodes,
      initializers: new Map([...this.model.initializers, ...this.added]),
      inputs: this.model.inputs.map(free),
      outputs: this.model.outputs.map(free),
      valueInfo: new Map([...this.model.valueInfo].map(([name, info]) => [name, free(info)])),
    };
    for (const batch of PROVEN_AT) tally.prove(inferFacts(model, tally.inputDims(batch)), batch);
    return model;
  }

  integers(values: readonly number[]): string {
    if (!values.every(Number.isSafeInteger)) throw new Unfree('A size is no whole number');
    const name = this.name('integers');
    const tensor = int64s(name, values);
    this.added.set(name, tensor);
    this.tally.addWeight(name, tensor);
    return name;
  }

  shapeOf(dims: PartialValues, { axis, each }: Rows): string {
    this.count ??= this.counted('Gather', [this.counted('Shape', [this.sample]), this.integers([0])]);
    const rows = each === 1 ? this.count : this.counted('Mul', [this.count, this.integers([each])]);
    const others = (part: PartialValues) => (part.length > 0 ? [this.integers(part.map((dim) => dim ?? NaN))] : []);
    return dims.length === 1
      ? rows
      : this.counted('Concat', [...others(dims.slice(0, axis)), rows, ...others(dims.slice(axis + 1))], 0);
  }

  first(value: string, axis: number): string {
    const key = `${axis} ${value}`;
    const known = this.firsts.get(key);
    if (known !== undefined) return known;
    const name = this.name('first');
    this.tally.add(
      makeNode({ name, opType: 'Gather' }, [value, this.integers([0])], [name], { axis: { int: axis } }),
      null,
    );
    this.firsts.set(key, name);
    return name;
  }

  private counted(opType: string, inputs: readonly string[], axis: number | null = null): string {
    const name = this.name(opType.toLowerCase());
    this.tally.add(makeNode({ name, opType }, inputs, [name], axis === null ? {} : { axis: { int: axis } }), null);
    this.tally.counting.add(name);
    return name;
  }

  private name(what: string): string {
    for (;;) {
      this.names += 1;
      const name = `${ROWS}.${what}.${this.names}`;
      if (!this.taken.has(name)) return name;
    }
  }

  private take(node: GraphNode): void {
    const { tally } = this;
    const reads = readsOf(node);
    const holds = reads.some((value) => tally.holders.has(value));
    const counts = reads.some((value) => tally.counting.has(value));
    if (!holds && !counts) {
      this.alike(node);
      return;
    }
    if (
      !DOMAINS.has(node.domain) ||
      node.captured.some((value) => tally.holders.has(value) || tally.counting.has(value))
    )
      throw mixes(node);
    if (node.opType === 'Shape' || !holds) {
      this.reckon(node);
      return;
    }
    const { rows, rebatch, readsCounts } = operatorOf(node);
    if (counts && (!readsCounts || tally.counting.has(node.inputs[0] ?? ''))) throw mixes(node);
    const rebatched = rebatch?.(node, tally, this) ?? (rows ? { node, rows: rows(node, tally) } : null);
    if (!rebatched) throw mixes(node);
    tally.add(rebatched.node, rebatched.rows);
  }

  /**
   * A node that no row reaches. Where it repeats data for each row, as UNets do with a timestep, the rows begin here.
   */
  private alike(node: GraphNode): void {
    const { tally } = this;
    const [from = '', to = ''] = node.inputs;
    const target = node.opType === 'Expand' && tally.constant(from) === null ? tally.constant(to) : null;
    if (tally.batch > 1 && target?.[0] === tally.batch) {
      const shape = tally.shape(from);
      if (shape.length < target.length || (shape.length === target.length && shape[0] === 1)) {
        const rows = { axis: 0, each: 1 };
        tally.add(
          makeNode({ name: node.name, opType: 'Expand' }, [from, this.shapeOf(target, rows)], node.outputs),
          rows,
        );
        return;
      }
    }
    tally.addAlike(node);
  }

  /** Arithmetic on counts of rows: known at both tallies, or it begins rows by filling a shape. */
  private reckon(node: GraphNode): void {
    const { tally } = this;
    const [from = '', ...others] = node.inputs;
    if (node.opType === 'ConstantOfShape' || (node.opType === 'Expand' && !tally.counting.has(from))) {
      tally.add(node, this.filled(node));
      return;
    }
    if (node.opType === 'Equal' && !this.comparable(from, others[0] ?? '')) throw mixes(node);
    if (node.opType === 'Slice' && (others[3] ?? '') !== '' && tally.constant(others[3] ?? '')?.[0] !== 1)
      throw mixes(node);
    tally.add(node, null);
    const [output = '', ...further] = node.outputs;
    const found = tally.counts(output);
    if (!found || further.length > 0) throw mixes(node);
    if (found.now.some((entry, at) => entry === null || entry !== found.then[at])) tally.counting.add(output);
  }

  /** Counts are compared only with what no count is: as exporters do, with −1. */
  private comparable(one: string, other: string): boolean {
    const [a, b] = [this.tally.counts(one), this.tally.counts(other)];
    if (!a || a.now.length !== b?.now.length) return false;
    const settled = (x: typeof a, y: typeof a, at: number) =>
      x.now[at] === x.then[at] || (y.now[at] === y.then[at] && (y.now[at] ?? 1) <= 0);
    return a.now.every((_, at) => settled(a, b, at) && settled(b, a, at));
  }

  /** Where rows lie in what fills a shape: on the one axis of which the tallies differ. */
  private filled(node: GraphNode): Rows {
    const expands = node.opType === 'Expand';
    const target = this.tally.counts(node.inputs[expands ? 1 : 0] ?? '');
    const axis = target ? target.now.findIndex((dim, at) => dim !== target.then[at]) : -1;
    if (!target || axis < 0) throw mixes(node);
    const rank = Math.max(target.now.length, expands ? this.tally.shape(node.inputs[0] ?? '').length : 0);
    return { axis: axis + rank - target.now.length, each: (target.now[axis] ?? NaN) / this.tally.batch };
  }
}
