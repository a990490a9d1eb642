// Index over a graph: who makes a value, who reads it, and what is known of it before anything runs.

import type { Facts } from './facts';
import { factsOf } from './factsOf';
import type { PartialValues } from '../operators/values';
import { FLOAT, type Model, type GraphNode } from '../file/model';
import { readsOf } from '../file/order';

export class Graph {
  readonly producers = new Map<string, GraphNode>();
  readonly consumers = new Map<string, GraphNode[]>();
  readonly graphInputs: ReadonlySet<string>;
  private readonly onlyReaders = new Map<string, GraphNode | null>();

  /** `model.nodes` must be in topological order, as `readModel` gives them. */
  constructor(readonly model: Model) {
    for (const node of model.nodes) {
      for (const output of node.outputs) if (output) this.producers.set(output, node);
      for (const input of readsOf(node)) {
        const list = this.consumers.get(input);
        if (list) list.push(node);
        else this.consumers.set(input, [node]);
        if (node.opType !== 'Shape') this.onlyReaders.set(input, this.onlyReaders.has(input) ? null : node);
      }
    }
    this.graphInputs = new Set(model.inputs.map((input) => input.name));
  }

  private get facts(): Facts {
    return factsOf(this.model);
  }

  readers(value: string): readonly GraphNode[] {
    return this.consumers.get(value) ?? [];
  }

  /** The one node that reads a value's data, null where none or several do. Shape nodes do not count. */
  onlyReader(value: string): GraphNode | null {
    return this.onlyReaders.get(value) ?? null;
  }

  /** The shape of a weight or constant, null for anything else. */
  weightDims(value: string): readonly number[] | null {
    return this.facts.weights.get(value) ?? null;
  }

  /** What is known of a value's shape; null where not even the rank is. */
  shape(value: string): PartialValues | null {
    return this.facts.shapes.get(value) ?? null;
  }

  /** What is known of a small numeric value; null where nothing is. */
  values(value: string): PartialValues | null {
    return this.facts.values.get(value) ?? null;
  }

  /** TensorProto.DataType. */
  elemType(value: string): number {
    return this.facts.types.get(value) ?? FLOAT;
  }

  /** A single known number, null otherwise. */
  scalar(value: string): number | null {
    const found = this.values(value);
    return found?.length === 1 ? (found[0] ?? null) : null;
  }
}
