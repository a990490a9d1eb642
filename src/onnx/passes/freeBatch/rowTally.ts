// What is known of a graph's values while its batch is being freed: which hold rows and where, which count rows, and
// two tallies of all shapes and small values: at the batch of the export, and at a number of rows that no other size
// equals by chance. What is the same in both does not depend on the number of rows.

import { firstFacts, learn, learnWeight, type GrowingFacts } from '../../graph/facts';
import type { PartialValues } from '../../operators/values';
import type { Model, GraphNode, Tensor, ValueInfo } from '../../file/model';
import { mixes, Unfree, type Look, type Rows } from '../../operators/rows';
import { operatorOf } from '../../operators/table';

const PROBE = 10_007;
const NOTHING: ReadonlyMap<string, ValueInfo> = new Map();

export class RowTally implements Look {
  readonly probe = PROBE;
  readonly holders = new Map<string, Rows>();
  /** Small values in which rows are counted: shapes, and what is reckoned from them. */
  readonly counting = new Set<string>();
  /** Nodes that were added, in order. */
  readonly nodes: GraphNode[] = [];
  private readonly now: GrowingFacts;
  private readonly then: GrowingFacts;
  private readonly uniform = new Map<string, boolean>();

  /** @param holders the inputs that have the batch as their first axis. */
  constructor(
    private readonly model: Model,
    readonly batch: number,
    holders: readonly string[],
  ) {
    for (const name of holders) this.holders.set(name, { axis: 0, each: 1 });
    this.now = firstFacts(model, this.inputDims(batch));
    this.then = firstFacts(model, this.inputDims(PROBE));
    for (const [name, weight] of model.initializers) this.uniform.set(name, isUniformTensor(weight));
  }

  rows(value: string): Rows | null {
    return this.holders.get(value) ?? null;
  }

  shape(value: string): PartialValues {
    const shape = this.now.shapes.get(value);
    if (!shape) throw new Unfree(`The shape of ${value} is not known`);
    return shape;
  }

  counts(value: string): { now: PartialValues; then: PartialValues } | null {
    const [now, then] = [this.now.values.get(value), this.then.values.get(value)];
    return now && then && now.length === then.length ? { now, then } : null;
  }

  constant(value: string): PartialValues | null {
    return this.counting.has(value) || this.holders.has(value) ? null : (this.now.values.get(value) ?? null);
  }

  isUniform(value: string): boolean {
    return this.uniform.get(value) ?? false;
  }

  addWeight(name: string, weight: Tensor): void {
    for (const facts of [this.now, this.then]) learnWeight(facts, name, weight);
  }

  /** Adds a node, and holds its outputs to where its rows should be. */
  add(node: GraphNode, rows: Rows | null, declared: ReadonlyMap<string, ValueInfo> = NOTHING): void {
    this.nodes.push(node);
    for (const facts of [this.now, this.then]) learn(facts, node, declared);
    if (!rows) return;
    const { rowOutputs = [] } = operatorOf(node);
    for (const [index, output] of node.outputs.entries()) {
      if (output === '') continue;
      if (index > 0 && rowOutputs !== 'all' && !rowOutputs.includes(index)) throw mixes(node);
      this.holders.set(output, rows);
      this.check(output, this.now, this.batch);
      this.check(output, this.then, PROBE);
    }
  }

  /** Adds a node that no row reaches; what the file declares of its outputs holds for any number of rows. */
  addAlike(node: GraphNode): void {
    this.add(node, null, this.model.valueInfo);
    const [output = ''] = node.outputs;
    const tensor = node.opType === 'Constant' ? node.attributes.get('value')?.tensor : null;
    const { uniform } = operatorOf(node);
    if (tensor) this.uniform.set(output, isUniformTensor(tensor));
    else if (uniform === 'always' || (uniform === 'ofUniform' && node.inputs.every((name) => this.isUniform(name))))
      this.uniform.set(output, true);
  }

  /** Holds every value to the sizes that it had, and to `batch` rows. */
  prove(facts: { readonly shapes: ReadonlyMap<string, PartialValues> }, batch: number): void {
    for (const value of this.holders.keys()) this.check(value, facts, batch);
  }

  /** The sizes of the inputs with so many rows. */
  inputDims(batch: number): Map<string, PartialValues> {
    const size = (name: string, dim: number | string, axis: number) =>
      axis === 0 && this.holders.has(name) ? batch : typeof dim === 'number' ? dim : null;
    return new Map(
      this.model.inputs.map(({ name, dims }) => [name, (dims ?? []).map((dim, axis) => size(name, dim, axis))]),
    );
  }

  private check(value: string, facts: { readonly shapes: ReadonlyMap<string, PartialValues> }, batch: number): void {
    const { axis, each } = this.holders.get(value) as Rows;
    const [shape, known] = [facts.shapes.get(value), this.shape(value)];
    const isThere = axis >= 0 && axis < known.length && Number.isSafeInteger(each) && each > 0;
    const fits =
      isThere &&
      shape?.length === known.length &&
      shape.every((dim, at) => dim === (at === axis ? each * batch : known[at]));
    if (!fits) throw new Unfree(`${value} would not have ${batch} rows: [${shape?.join(', ') ?? '?'}]`);
  }
}

/** Whether a constant holds one number over and over, as the zeros do that exporters write for baddbmm's ignored
 *  operand. By the bytes that are in memory; a weight that was left in the file counts as not uniform. */
function isUniformTensor({ raw, dims }: Tensor): boolean {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const width = raw && count > 0 ? raw.length / count : 0;
  if (!raw || !Number.isInteger(width) || width < 1) return false;
  for (let at = width; at < raw.length; at += 1) if (raw[at] !== raw[at - width]) return false;
  return true;
}
