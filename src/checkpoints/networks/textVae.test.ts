// Text encoders and VAEs as we write them, held to transformers and diffusers with the same weights
// (fixtures/checkpoints/make_networks.py).

import { describe, expect, test } from 'vitest';
import { golden, storedWeights, valuesOf } from '../../../fixtures/checkpoints/networks';
import { CpuBackend } from '../../engine/cpuBackend';
import { loadNodeRuntime } from '../../engine/testing/nodeRuntime';
import { relativeError } from '../../engine/testing/unetChecks';
import { FLOAT } from '../../onnx/file/model';
import { Graph } from '../../onnx/graph/graph';
import { tailName, withTailFrom } from '../../onnx/passes/tailFrom';
import { clipText } from './clipText';
import type { GraphOptions } from './graphBuilder';
import { run } from './testing/built';
import { tinyVaeDecoder, tinyVaeEncoder } from './tinyVae';
import { vaeDecoder, vaeEncoder } from './vae';

const backend = new CpuBackend(await loadNodeRuntime());
/** f32 sums in another order. */
const BOUND = 5e-6;

describe('text encoders', () => {
  test.each([
    ['clip', false, 'pooler_output'],
    ['openclip', true, 'text_embeds'],
  ] as const)(
    '%s: the states of all layers, and the pooled one, whatever is skipped',
    async (name, projects, pooled) => {
      const { config, inputs, outputs } = golden.texts[name];
      const expected = (key: string) => valuesOf(outputs[key]!);
      const build = (options: GraphOptions) => clipText(config, { ...options, projects });
      const tail = { from: 'hidden_states.4', result: 'last_hidden_state', instead: 'hidden_states.3' };
      const ids = inputs.input_ids!;
      const { values, asked } = await run(
        name,
        (options) => withTailFrom(new Graph(build(options)), tail)!,
        ids,
        backend,
        FLOAT,
      );
      expect([...asked].sort()).toEqual([...storedWeights(name).names].sort());
      const states = [0, 1, 2, 3, 4].map((layer) => `hidden_states.${layer}`);
      expect([...values.keys()].sort()).toEqual([...states, 'last_hidden_state', tailName(tail), pooled].sort());
      expect(relativeError(values.get('last_hidden_state')!, expected('last_hidden_state'))).toBeLessThan(BOUND);
      expect(relativeError(values.get('hidden_states.3')!, expected('penultimate'))).toBeLessThan(BOUND);
      expect(relativeError(values.get(pooled)!, expected('pooled'))).toBeLessThan(BOUND);
      expect(relativeError(values.get(tailName(tail))!, expected('skipped'))).toBeLessThan(BOUND);
    },
  );
});

describe('VAEs', () => {
  test.each([
    ['kl', vaeDecoder, vaeEncoder],
    ['taesd', tinyVaeDecoder, tinyVaeEncoder],
  ] as const)('%s: both ways, images of odd sizes too', async (name, decoder, encoder) => {
    const { config, inputs, outputs } = golden.vaes[name];
    const decoded = await run(name, (options) => decoder(config, options), inputs.latents!, backend, FLOAT);
    expect(relativeError(decoded.values.get('sample')!, valuesOf(outputs.decoded!))).toBeLessThan(BOUND);
    const encoded = await run(name, (options) => encoder(config, options), inputs.image!, backend, FLOAT);
    const latents = encoded.values.get(name === 'kl' ? 'latent_parameters' : 'latent_sample');
    expect(relativeError(latents!, valuesOf(outputs.encoded!))).toBeLessThan(BOUND);
    expect([...decoded.asked, ...encoded.asked].sort()).toEqual([...storedWeights(name).names].sort());
  });
});
