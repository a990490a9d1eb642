// Attention of one head with its queries in parts, one after the other: the logits of a part are a sixteenth of
// tokens × tokens, 67 MB instead of 1.1 GB in the VAE of an SDXL picture of 1024². Each query's row of the softmax is
// complete, so nothing but the order of products changes.
//
//   for part i of 16:  softmax(scale · Q[N·i/16 … N·(i+1)/16] · Kᵀ) · V        Q, K, V [rows, N, dim]

import type { Attention } from '../sites/matchAttention';
import { float32Tensor, int64s, makeNode } from '../file/makeNode';
import type { GraphNode, Tensor } from '../file/model';

export interface ScaledAttention extends Attention {
  readonly scale: number;
  /** Element type of Q, K and V. */
  readonly type: number;
}

const PARTS = 16;

/** Makes the nodes of such an attention; the constants that they read go to `added`. */
export function queryParts(added: Map<string, Tensor>): (name: string, attention: ScaledAttention) => GraphNode[] {
  return (name, { q, k, v, scale, type, output }) => {
    const part = (what: string) => `${output}.${what}`;
    const nodes: GraphNode[] = [];
    const make = (
      opType: string,
      inputs: readonly string[],
      what: string,
      attributes: Parameters<typeof makeNode>[3] = {},
    ) => {
      nodes.push(makeNode({ name: `${name}.${what}`, opType }, inputs, [part(what)], attributes));
      return part(what);
    };
    const whole = (what: string, values: readonly number[]) => {
      added.set(part(what), int64s(part(what), values));
      return part(what);
    };
    // Bounds of the parts: N·i/16, rounded down.
    const axis = whole('axis', [1]);
    const tokens = make('Gather', [make('Shape', [q], 'shape'), axis], 'tokens');
    const multiples = make(
      'Mul',
      [
        tokens,
        whole(
          'counts',
          Array.from({ length: PARTS + 1 }, (_, index) => index),
        ),
      ],
      'multiples',
    );
    const bounds = make('Div', [multiples, whole('parts', [PARTS])], 'bounds');
    const at = Array.from({ length: PARTS + 1 }, (_, index) =>
      make('Gather', [bounds, whole(`index${index}`, [index])], `bound${index}`),
    );
    const keys = make('Transpose', [k], 'keys', { perm: { ints: [0, 2, 1] } });
    const single = make('Constant', [], 'scale', { value: { tensor: float32Tensor(scale) } });
    const factor = make('Cast', [single], 'factor', { to: { int: type } });
    const mixed = Array.from({ length: PARTS }, (_, index) => {
      const queries = make('Slice', [q, at[index]!, at[index + 1]!, axis], `queries${index}`);
      const scaled = make('Mul', [queries, factor], `scaled${index}`);
      const probabilities = make(
        'Softmax',
        [make('MatMul', [scaled, keys], `logits${index}`)],
        `probabilities${index}`,
        { axis: { int: -1 } },
      );
      return make('MatMul', [probabilities, v], `mixed${index}`);
    });
    nodes.push(makeNode({ name, opType: 'Concat' }, mixed, [output], { axis: { int: 1 } }));
    return nodes;
  };
}
