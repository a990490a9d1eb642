import { describe, expect, it } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { seeded } from '../onnx/testing/mutate';
import { parseInfotext } from './infotext';
import { infotextParts } from './infotextParts';
import { recipeFromPngTexts } from './pngTexts';
import { makeRecipe, parseRecipe } from './recipe';
import { INITIAL_RECIPE, type RecipeSettings } from '../settings/fields';

const SETTINGS: RecipeSettings = {
  ...INITIAL_RECIPE,
  prompt: 'red apple',
  negativePrompt: '赤',
  emphasis: 'plain',
  seed: 7,
  steps: 20,
  guidanceScale: 3.5,
  pagScale: 3,
  layers: 'm0,u0-2',
  scheduler: 'dpmpp-2m',
  sigmas: 'karras',
  pag: {
    ...PLAIN_PAG,
    window: { semantics: 'sigma', start: 12, stop: 0.7 },
    rescale: { mode: 'partial', amount: 0.4 },
    siteIdentity: { 'mid_block.attentions.0.transformer_blocks.0.attn1': 0.5 },
  },
};
const RECIPE = makeRecipe({
  appVersion: '0.1.0',
  model: { id: 'pocket', revision: null },
  settings: SETTINGS,
  size: { width: 64, height: 64 },
  sites: [],
  backend: 'wasm',
  adapter: 'CPU',
  versions: {},
});

describe('a recipe', () => {
  it('comes back whole from JSON', () => {
    expect(parseRecipe(JSON.parse(JSON.stringify(RECIPE)))).toEqual({
      settings: SETTINGS,
      model: { id: 'pocket', revision: null },
      loras: [],
      embeddings: [],
      notRestored: [],
    });
  });

  it('names its start image and the mask on it, and what was done with the mask', () => {
    const given = { ...RECIPE, start: 'a'.repeat(70), mask: 'b'.repeat(70) };
    expect(parseRecipe(given)).toMatchObject({ start: 'a'.repeat(64), mask: 'b'.repeat(64) });
    const changes = { maskArea: 'masked', maskPadding: 0, maskFeather: 64, keepRest: false };
    expect(parseRecipe({ ...RECIPE, settings: { ...SETTINGS, ...changes } }).settings).toMatchObject(changes);
    const wrong = { maskArea: 'half', maskPadding: 1.5, maskFeather: -1, keepRest: 'no' };
    const { notRestored } = parseRecipe({ ...RECIPE, mask: 1, settings: { ...SETTINGS, ...wrong } });
    expect(notRestored.map(({ name }) => name)).toEqual(Object.keys(wrong));
  });

  it('names its embeddings', () => {
    const embeddings = ['neg', 'a (b)'];
    expect(parseRecipe({ ...RECIPE, embeddings: [...embeddings, 1, '', 'two\nlines'] }).embeddings).toEqual(embeddings);
  });

  it('tells of which files the model’s VAE and UNet are', () => {
    const model = { id: 'base', revision: null, vae: 'v', unet: 'u' };
    expect(parseRecipe({ ...RECIPE, model }).model).toEqual(model);
    expect(parseRecipe({ ...RECIPE, model: { ...model, vae: 1, unet: '' } }).model).toEqual({
      id: 'base',
      revision: null,
    });
  });

  it('gives its LoRA as tags in the prompt, which is where their weights are set', () => {
    const fur = { name: 'Fur (v2)', weight: 0.8, hash: '0123456789ab' };
    const odd = [{ name: 'a<b', weight: 1 }, { name: 'x', weight: '1' }, null, { name: 'y', weight: -1, hash: 'no' }];
    const given = { ...RECIPE, settings: { ...SETTINGS, prompt: 'cat <lora:z:2>' }, loras: [fur, ...odd] };
    const { settings, loras } = parseRecipe(given);
    expect(settings.prompt).toBe('cat <lora:z:2> <lora:Fur (v2):0.8> <lora:y:-1>');
    expect(loras).toEqual([fur, { name: 'y', weight: -1, hash: null }]);
    expect(parseRecipe({ ...given, settings }).settings.prompt).toBe(settings.prompt);
  });

  it('has the size of its picture where its settings say none, as those of earlier versions', () => {
    const { width, height, ...earlier } = SETTINGS;
    expect([width, height]).toEqual([0, 0]);
    const read = (size: unknown) => parseRecipe({ ...RECIPE, settings: earlier, size }).settings;
    expect(read({ width: 96, height: 64 })).toEqual({ ...earlier, width: 96, height: 64 });
    expect(read({ width: -1, height: '64' })).toEqual(earlier);
    expect(parseRecipe({ ...RECIPE, size: { width: 96, height: 64 } }).settings).toEqual(SETTINGS);
  });

  it('that is older than the readings of prompts was read as plain words, with the noise of CPUs', () => {
    const { emphasis, noiseSource, ...older } = SETTINGS;
    expect(parseRecipe({ ...RECIPE, settings: older }).settings).toMatchObject({ emphasis, noiseSource });
    const newer = { ...SETTINGS, emphasis: 'comfy', noiseSource: 'gpu' };
    expect(parseRecipe({ ...RECIPE, settings: newer }).settings).toEqual(newer);
  });

  it('loses only the field that is wrong, and names it', () => {
    for (const [key, bad] of Object.entries({
      seed: -1,
      width: 5000,
      steps: 2.5,
      guidanceScale: '3',
      pagScale: 101,
      scheduler: '__proto__',
      sigmas: 3,
      prompt: 'a'.repeat(2001),
      layers: null,
      spacing: [],
      pag: { ...PLAIN_PAG, identity: 2 },
    })) {
      const { settings, notRestored } = parseRecipe({ ...RECIPE, settings: { ...SETTINGS, [key]: bad } });
      expect(notRestored.map(({ name }) => name)).toEqual([key]);
      expect(settings).toEqual(Object.fromEntries(Object.entries(SETTINGS).filter(([name]) => name !== key)));
    }
  });

  it('takes nothing from what is no recipe of its version', () => {
    for (const other of [null, 3, [], {}, { ...RECIPE, format: 'x' }, { ...RECIPE, formatVersion: 2 }]) {
      const { settings, notRestored } = parseRecipe(other);
      expect(settings).toEqual({});
      expect(notRestored).toHaveLength(1);
    }
  });
});

const parse = (pag: string) =>
  parseInfotext(
    'a cat, (b:1.2)\nsecond line\nNegative prompt: dog\nrain\nSteps: 20, Sampler: DPM++ 2M, ' +
      `Schedule type: Karras, CFG scale: 4, Seed: 965400086, Size: 512x512, Model: sd15${pag}`,
    PLAIN_PAG,
  );

describe('an infotext', () => {
  it('of A1111 without PAG', () => {
    const { settings, model, notRestored } = parse('');
    expect(settings).toEqual({
      prompt: 'a cat, (b:1.2)\nsecond line',
      negativePrompt: 'dog\nrain',
      emphasis: 'a1111',
      noiseSource: 'gpu',
      steps: 20,
      scheduler: 'dpmpp-2m',
      sigmas: 'karras',
      guidanceScale: 4,
      seed: 965400086,
      clipSkip: 1,
      width: 512,
      height: 512,
      pagScale: 0,
    });
    expect(model).toEqual({ id: 'sd15', revision: null });
    expect(notRestored.map(({ name, value }) => [name, value])).toEqual([]);
  });

  it("of Forge's advanced script", () => {
    const { settings } = parse(
      ', pag_enabled: True, pag_scale: 2.5, pag_rescale: 0.3, pag_rescale_mode: partial, ' +
        'pag_adaptive_scale: 0.1, pag_block: input, pag_block_id: 4, pag_block_list: "d2.2-9,d3", ' +
        'pag_sigma_start: -1, pag_sigma_end: 0.7',
    );
    expect(settings).toMatchObject({
      pagScale: 2.5,
      layers: 'd2.2-9,d3',
      pag: {
        adaptive: { semantics: 'pamparamm', amount: 0.1 },
        window: { semantics: 'sigma', start: -1, stop: 0.7 },
        rescale: { mode: 'partial', amount: 0.3 },
      },
    });
  });

  it("of Forge's built-in script", () => {
    const { settings } = parse(
      ', pagi_enabled: True, pagi_scale: 3.0, pagi_attenuation: 5, pagi_start_step: 0.2, pagi_end_step: 0.8',
    );
    expect(settings).toMatchObject({
      pagScale: 3,
      layers: 'mid',
      pag: { attenuation: 5, window: { semantics: 'forge', start: 0.2, stop: 0.8 } },
    });
  });

  it('of incantations, with its window in steps', () => {
    const { settings } = parse(', PAG Active: True, PAG SANF: True, PAG Scale: 1, PAG Start Step: 4, PAG End Step: 15');
    expect(settings).toMatchObject({
      pagScale: 1,
      layers: 'm0.0',
      pag: { rescale: { mode: 'snf' }, window: { semantics: 'steps', start: 4, stop: 15 } },
    });
    expect(
      parse(', PAG Active: True, PAG Scale: 1, PAG Start Step: 0, PAG End Step: 150').settings.pag?.window,
    ).toEqual({ semantics: 'always' });
  });

  const read = (prompt: string, line = '') => {
    const { settings, notRestored } = parseInfotext(`${prompt}\nSteps: 5, Sampler: Euler, Seed: 3${line}`, PLAIN_PAG);
    return [settings.emphasis, settings.noiseSource, ...notRestored.map(({ name, why }) => `${name}: ${why}`)];
  };

  it('is read with A1111’s emphasis and noise, unless it says that they are others', () => {
    expect(read('(a:1.2) [b] BREAK c')).toEqual(['a1111', 'gpu']);
    expect(read('(a)', ', Emphasis: No norm, RNG: CPU')).toEqual(['a1111-no-norm', 'cpu']);
    expect(read('(a)', ', Emphasis: None, RNG: NV')).toEqual(['plain', 'gpu']);
    expect(read('(a)', ', Emphasis: Ignore')).toEqual(['a1111', 'gpu', expect.stringContaining('left out there')]);
    expect(read('(a)', ', RNG: MPS')).toEqual(['a1111', undefined, expect.stringContaining('RNG: ')]);
    expect(read('(a)', ', Version: ComfyUI')).toEqual(['comfy', 'cpu']);
  });

  it('names what A1111 obeys and Pagoda reads as words', () => {
    expect(read('[a:b:3] [c|d] <hypernet:x:1> AND e:1.5')).toEqual([
      'a1111',
      'gpu',
      expect.stringMatching(/^Prompt syntax: .*editing, alternating words, hypernetworks, AND, a factor/),
    ]);
  });

  it('says where the noise of later steps is another', () => {
    expect(read('a', ', Sampler: DPM++ SDE').slice(2)).toEqual([expect.stringContaining('Brownian tree')]);
    expect(read('a', ', Sampler: Euler a')).toEqual(['a1111', 'gpu']);
  });

  it('names what Pagoda has not, and old names of samplers', () => {
    const { settings, notRestored } = parseInfotext(
      'p\nSteps: 900, Sampler: DPM++ 2M Karras, Seed: 1, Clip skip: 2, ENSD: "a, b: c"',
      PLAIN_PAG,
    );
    expect(settings).toMatchObject({ scheduler: 'dpmpp-2m', sigmas: 'karras', seed: 1, clipSkip: 2 });
    expect(notRestored.map(({ name, value }) => [name, value])).toEqual([
      ['Steps', '900'],
      // Taken, with a note.
      ['Clip skip', '2'],
      ['ENSD', 'a, b: c'],
    ]);
  });

  it('begins with braces and brackets that are no JSON, and ends behind its settings', () => {
    for (const prompt of ['{{masterpiece}}', '[[blurry]]', '["a" sign]', '{red|blue} kettle']) {
      const texts = new Map([
        [
          'parameters',
          `${prompt}\nSteps: 5, Sampler: Restart, Seed: 3, pag_enabled: False\nSize: small, Model: big, Seed: 4`,
        ],
      ]);
      const restored = recipeFromPngTexts(texts, PLAIN_PAG);
      expect(restored?.settings).toEqual({
        prompt,
        negativePrompt: '',
        emphasis: 'a1111',
        noiseSource: 'gpu',
        steps: 5,
        seed: 3,
        clipSkip: 1,
        pagScale: 0,
      });
    }
    expect(recipeFromPngTexts(new Map([['parameters', '{"prompt": "a", "cut']]), PLAIN_PAG)).toBeNull();
  });

  it('has its keys in any order, the first an uncommon one', () => {
    const keys = [
      'Denoising strength: 0.5',
      'Steps: 21',
      'Sampler: Euler a',
      'Hires prompt: "a, Steps: 3"',
      'CFG scale: 6.5',
      'Seed: 12',
      'Size: 512x768',
      'Model hash: 45dee52b01',
      'Clip skip: 2',
    ];
    const random = seeded(1);
    for (let round = 0; round < 60; round += 1) {
      const order = [...keys];
      for (let at = order.length - 1; at > 0; at -= 1) {
        const other = random(at + 1);
        [order[at], order[other]] = [order[other]!, order[at]!];
      }
      const line = order.join(', ');
      const { settings } = parseInfotext(`a cat, mood: calm\nNegative prompt: rain\n${line}\nTemplate: x`, PLAIN_PAG);
      expect(settings, line).toMatchObject({
        prompt: 'a cat, mood: calm',
        negativePrompt: 'rain',
        steps: 21,
        scheduler: 'euler-a',
        guidanceScale: 6.5,
        seed: 12,
        width: 512,
        height: 768,
      });
    }
  });

  it.each([
    'Denoising strength: 0.5, Steps: 20, Sampler: Euler',
    'Denoising strength: 0.5, Seed: 20, CFG scale: 7',
    'Variation seed: 1, Size: 8x8, Model: m',
    'Steps: 20, Clip skip: 2, ENSD: 3',
  ])('is %s', (line) => {
    expect(infotextParts(`a cat\n${line}`)).toMatchObject({ prompt: 'a cat', pairs: { size: 3 } });
  });

  it.each([
    'Palette: red, mood: calm, light: soft',
    'Model: woman, pose: sitting, light: soft',
    'Steps: worn stone, Sampler: cross stitch, Model: ship',
    'Palette: red, Steps: 3 of granite, Sampler: cross stitch',
    'Size: tiny, Model: ship, colour: red',
    'a poster, Steps: 1, Sampler: Euler, Seed: 2',
    'Poster with the words Steps: 1, mood: calm, Seed: 2',
    'Denoising strength: 0.5, Steps: 20',
  ])('is not %s, which stays a prompt', (line) => {
    expect(infotextParts(`a cat\n${line}`)).toMatchObject({ prompt: `a cat\n${line}`, pairs: { size: 0 } });
  });

  it('has its settings where they begin with the steps, whatever is repeated behind them', () => {
    const { prompt, pairs } = infotextParts(
      'a cat\nSteps: 20, Sampler: Euler, Seed: 3\nTemplate: a {cat|dog}, Steps: 5, Sampler: Heun, Seed: 4',
    );
    expect([prompt, pairs.get('Steps'), pairs.get('Seed')]).toEqual(['a cat', '20', '3']);
  });

  it('takes a line without pairs for a prompt', () => {
    expect(parseInfotext('just: words', PLAIN_PAG).settings).toEqual({
      prompt: 'just: words',
      negativePrompt: '',
      emphasis: 'a1111',
      pagScale: 0,
    });
  });

  it('is read in steps that grow with its length, whatever it is', () => {
    const settings = 'Steps: 1, Sampler: Euler, Seed: 2, ';
    const hostile: readonly ((length: number) => string)[] = [
      (n) => 'a:"\\'.repeat(n / 4),
      (n) => 'a: '.repeat(n / 3),
      (n) => 'a '.repeat(n / 2),
      (n) => '"'.repeat(n),
      (n) => 'aa: "b, '.repeat(n / 8),
      (n) => 'aa: [{, '.repeat(n / 8),
      (n) => ` ${'a '.repeat(39)}:`.repeat(n / 80),
      (n) => 'aa: "x\\", '.repeat(n / 11),
      (n) => 'aa: x\n'.repeat(n / 6),
      (n) => `${settings}\n`.repeat(n / 36),
      (n) => 'Steps: "\n'.repeat(n / 9),
      (n) => 'Seed: 1\n'.repeat(n / 8),
      (n) => 'aa: 1, Seed: 1, Steps: x, Model: y\n'.repeat(n / 36),
      (n) => `${'aa: 1, Seed: 1, Model: y\n'.repeat(190)}${'y'.repeat(n)}`,
      (n) => ',     '.repeat(n / 6),
      (n) => `aa: 1${', Seed:'.repeat(n / 7)}`,
      (n) => `Seed: "${'x'.repeat(n / 200)}\n`.repeat(199),
      (n) => `${'Seed: x\n'.repeat(190)}${'y'.repeat(n)}`,
    ];
    for (const make of hostile) {
      for (const text of [`p\n${make(100_000)}`, `p\n${settings}${make(100_000)}`, `p\n${make(1_000_000)}`]) {
        const { prompt, steps } = infotextParts(text);
        expect(prompt).toMatch(/^p/);
        expect(steps / text.length, `${text.slice(0, 60)} of ${text.length}`).toBeLessThan(8);
      }
    }
  });
});
