// Text encoders and VAEs as we write them, held to transformers and diffusers with the same weights
// (fixtures/checkpoints/make_networks.py).

import { describe, expect, test } from 'vitest';
import { golden, storedWeights, valuesOf } from '../../../fixtures/checkpoints/networks';
import { CpuBackend } from '../../engine/cpuBackend';
import { loadNodeRuntime } from '../../engine/testing/nodeRuntime';
import { relativeError } from '../../engine/testing/unetChecks';
import { FLOAT } from '../../onnx/file/model';
import { clipText } from './clipText';
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
  ] as const)('%s: last and penultimate states, the pooled one, and clip skip', async (name, projects, pooled) => {
    const { config, inputs, outputs } = golden.texts[name];
    const expected = (key: string) => valuesOf(outputs[key]!);
    const encode = (clipSkip: number) =>
      run(name, (options) => clipText(config, { ...options, projects, clipSkip }), inputs.input_ids!, backend, FLOAT);
    const { values, asked } = await encode(1);
    expect([...asked].sort()).toEqual([...storedWeights(name).names].sort());
    expect([...values.keys()].sort()).toEqual(['hidden_states.3', 'last_hidden_state', pooled].sort());
    expect(relativeError(values.get('last_hidden_state')!, expected('last_hidden_state'))).toBeLessThan(BOUND);
    expect(relativeError(values.get('hidden_states.3')!, expected('penultimate'))).toBeLessThan(BOUND);
    expect(relativeError(values.get(pooled)!, expected('pooled'))).toBeLessThan(BOUND);
    const skipped = (await encode(2)).values;
    expect(relativeError(skipped.get('last_hidden_state')!, expected('skipped'))).toBeLessThan(BOUND);
    // What is pooled is the last layer's, whatever is skipped.
    expect(relativeError(skipped.get(pooled)!, expected('pooled'))).toBeLessThan(BOUND);
    await expect(encode(6)).rejects.toThrow(RangeError);
  });
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
