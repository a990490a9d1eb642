// Which models a UNet alone may take the rest of, and what is chosen then.

import { expect, test, vi } from 'vitest';
import type { StoredModel } from '../library/libraryMessages';
import { USUAL_LCM, USUAL_SD, USUAL_SDXL } from '../models/usualSettings';
import {
  BUILT_IN,
  basesOf,
  isKept,
  keepChoice,
  ownModel,
  readChoice,
  storedChoice,
  unetInStore,
  withUnet,
  type Choice,
  type UnetAlone,
} from './choice';
import { recipeModel } from './runRecipe';

const written = vi.hoisted(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  const values = new Map<string, string>();
  const setItem = (key: string, value: string) => void values.set(key, value);
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => values.get(key) ?? null,
    setItem,
    removeItem: (key: string) => values.delete(key),
  });
  return values;
});

const SD = { cross_attention_dim: 768 };
const SDXL = { cross_attention_dim: [2048, 2048, 2048], addition_embed_type: 'text_time' };
const LCM = { ...SD, time_cond_proj_dim: 256 };
const stored = (name: string, unet: StoredModel['unet'], state: StoredModel['state'] = 'whole') =>
  ({ name, dir: name, repo: `own/${name}`, commit: 'c', file: null, usual: USUAL_SD, unet, state }) as StoredModel;
const unet = (config: UnetAlone['config'], usual = USUAL_SD): UnetAlone => ({
  name: 'mine',
  source: new File([], 'mine.safetensors'),
  config,
  usual,
});
const alone = { ...stored('UNet fast', LCM), file: 'unet/diffusion_pytorch_model.fp16.safetensors', unetAlone: true };
const shelf = [stored('sd', SD), alone, stored('xl', SDXL), stored('half', SD, 'fetching'), stored('unknown', null)];
const names = (choices: readonly Choice[]) => choices.map(({ name }) => name);

test('those that read the same text, the one in use first; none where nothing is known of it', () => {
  expect(names(basesOf(unet(SD), BUILT_IN, shelf))).toEqual(['sd']);
  expect(names(basesOf(unet({ ...SDXL, cross_attention_dim: 2048 }), BUILT_IN, shelf))).toEqual(['xl']);
  expect(names(basesOf(unet({ cross_attention_dim: 2048 }), BUILT_IN, shelf))).toEqual([]);
  expect(names(basesOf(unet({}), BUILT_IN, shelf))).toEqual([]);
  const fromDisk: Choice = { ...BUILT_IN, name: 'disk', config: SD };
  expect(names(basesOf(unet(SD), fromDisk, shelf))).toEqual(['disk', 'sd']);
  // After a reload the store tells what the one in use is.
  const again = { ...storedChoice(shelf[0]!), config: null };
  expect(names(basesOf(unet(SD), again, shelf))).toEqual(['sd']);
  expect(basesOf(unet(SD), again, shelf)[0]!.config).toEqual(SD);
});

test('it is another model, with the rest named; the base is what a reload finds', () => {
  const base = storedChoice(shelf[0]!);
  const file = unet(LCM, USUAL_LCM);
  const chosen = withUnet(base, file);
  expect(chosen).toMatchObject({ name: 'mine with sd', usual: USUAL_LCM, ref: { dir: 'sd', unet: file.source } });
  expect(chosen.ref.id).not.toBe(base.ref.id);
  // Where its attention is, only the UNet itself knows: tiny-sd has none in the middle.
  expect(withUnet(base, unet(SD, { ...USUAL_SDXL, layers: 'u0' })).usual).toEqual({ ...USUAL_SD, layers: 'u0' });
  expect(recipeModel(chosen)).toEqual({ id: 'own/sd', revision: 'c', unet: 'mine' });
  const withVae: Choice = { ...chosen, vae: { name: 'v', tiny: false, own: chosen } };
  expect(recipeModel(withVae)).toEqual({ id: 'own/sd', revision: 'c', unet: 'mine', vae: 'v' });
  for (const choice of [base, chosen, withVae]) expect(ownModel(choice)).toBe(base);
  // Another UNet is put into the base, not into that one.
  expect(basesOf(unet(SD), withVae, shelf)[0]!.name).toBe('sd');
  keepChoice(withVae);
  expect(JSON.parse(written.get('pagoda.model')!)).toMatchObject({ name: 'sd', dir: 'sd' });
});

test('one of the store has its repository’s name where its own says nothing, and a reload finds both', () => {
  const base = storedChoice(shelf[0]!);
  const file = unetInStore(alone);
  expect(file).toMatchObject({ name: 'UNet fast', source: { dir: 'UNet fast' } });
  expect(unetInStore({ ...alone, file: 'fast_4step.safetensors' }).name).toBe('fast_4step');
  const chosen = withUnet(base, { ...file, usual: USUAL_LCM });
  expect(chosen.usual).toBe(USUAL_LCM);
  keepChoice(chosen);
  const again = readChoice();
  // What it brought to the settings it has brought on that visit.
  expect(again).toMatchObject({ name: 'UNet fast with sd', usual: null, ref: chosen.ref, unet: { dir: 'UNet fast' } });
  expect(recipeModel(again)).toEqual(recipeModel(chosen));
  expect([again, base, withUnet(base, unet(SD))].map(isKept)).toEqual([true, true, false]);
});
