import { expect, test } from 'vitest';
import { PLAIN_PAG } from '../../diffusion/options';
import { makeRecipe, type Recipe } from '../../recipe/recipe';
import { INITIAL_RECIPE, type RecipeSettings } from '../../settings/fields';
import { modelText, recipeLines } from './recipeWords';

const lines = (
  changes: Partial<RecipeSettings>,
  revision: string | null = null,
  from: Pick<Recipe, 'start' | 'mask'> = {},
) =>
  recipeLines(
    makeRecipe({
      appVersion: '1.2',
      model: { id: 'some/model', revision },
      size: { width: 8, height: 16 },
      sites: [{ name: 'a', comfyName: 'm0' }],
      backend: 'webgpu',
      adapter: 'A GPU',
      versions: { lib: '3' },
      ...from,
      settings: {
        ...INITIAL_RECIPE,
        prompt: 'p',
        negativePrompt: '',
        emphasis: 'plain',
        seed: 7,
        steps: 4,
        guidanceScale: 1,
        pagScale: 3,
        layers: 'mid',
        scheduler: 'euler',
        ...changes,
      },
    }),
  );

test('what is at rest has no line', () => {
  expect(lines({}, '0123456789abcdef')).toEqual([
    ['Model', 'some/model at 0123456789ab'],
    ['Prompt', 'p'],
    ['Size', '8 × 16'],
    ['Seed', '7'],
    ['Steps', '4'],
    ['Scheduler', 'Euler'],
    ['CFG scale', 'off'],
    ['PAG scale', '3'],
    ['Layers', 'mid (1 self-attention)'],
    ['Made with', 'Pagoda 1.2 · A GPU, WebGPU · lib 3'],
  ]);
  expect(lines({ pagScale: 0, pag: { ...PLAIN_PAG, attenuation: 5 } }).map(([name]) => name)).not.toContain(
    'Attenuation',
  );
});

test('each option that is in use has one', () => {
  const rest = new Set(lines({}).map(([name]) => name));
  const added = lines({
    negativePrompt: 'n',
    pag: {
      adaptive: { semantics: 'pamparamm', amount: 0.1 },
      window: { semantics: 'forge', start: 0, stop: 0.5 },
      attenuation: 5,
      rescale: { mode: 'full', amount: 0.4 },
      guidanceRescale: 0.7,
      identity: 0.5,
      siteIdentity: { 'mid_block.x': 0.2 },
    },
  }).filter(([name]) => !rest.has(name));
  expect(added).toEqual([
    ['Negative prompt', 'n'],
    ['Adaptive scale', '0.1, as pamparamm counts it'],
    ['Window', '0 to 0.5, in fractions of the run, as Forge'],
    ['Attenuation', '5 % a step'],
    ['Rescale', '0.4, full'],
    ['Perturbation', '0.5'],
    ['Perturbation of single layers', 'mid_block.x 0.2'],
    ['Guidance rescale', '0.7'],
  ]);
});

test('a mask says what was done with it', () => {
  const from = { start: 'a'.repeat(64), mask: 'b'.repeat(64) };
  const lineOf = (changes: Partial<RecipeSettings>) =>
    lines(changes, null, from).find(([name]) => name === 'Mask')?.[1];
  expect(lineOf({})).toBe('bbbbbbbbbbbb, whole picture, feather 4, the rest kept');
  expect(lineOf({ maskArea: 'masked', maskFeather: 0, keepRest: false })).toBe(
    'bbbbbbbbbbbb, only masked, 32 px around it, the rest as the VAE makes it',
  );
});

test('what of the model is of other files is named with it', () => {
  const model = { id: 'own/base', revision: null, unet: 'u' };
  expect(modelText(model)).toBe('own/base with the UNet u');
  expect(modelText({ ...model, vae: 'v' })).toBe('own/base with the UNet u and the VAE v');
});
