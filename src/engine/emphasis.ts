// What a prompt's weights do to a text encoder's hidden states z of one chunk, [tokens, dim], w a weight a token.
//   A1111     z·w, then times mean(z)/mean(z·w), the means over all of the chunk; without norm: z·w alone
//   ComfyUI   e + w·(z − e), e the hidden states of an empty prompt
// Source: A1111's modules/sd_emphasis.py and ComfyUI's comfy/sd1_clip.py, whose formulas these are.

export type Weighing =
  | { readonly restoresMean: boolean }
  | {
      /** Hidden states of an empty prompt. */
      readonly towards: Float32Array;
    };

/** @param weights one a token. @returns z as it is weighed, of the same size. */
export function weighed(z: Float32Array, weights: readonly number[], how: Weighing): Float32Array {
  const dim = z.length / weights.length;
  const out = new Float32Array(z.length);
  const empty = 'towards' in how ? how.towards : null;
  for (const [token, weight] of weights.entries()) {
    for (let at = token * dim; at < (token + 1) * dim; at += 1) {
      const from = empty?.[at] ?? 0;
      out[at] = weight === 1 ? z[at]! : from + weight * (z[at]! - from);
    }
  }
  if ('towards' in how || !how.restoresMean) return out;
  const factor = sum(z) / sum(out);
  return out.map((value) => value * factor);
}

function sum(values: Float32Array): number {
  return values.reduce((all, value) => all + value, 0);
}
