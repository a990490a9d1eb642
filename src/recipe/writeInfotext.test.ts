import { describe, expect, it } from 'vitest';
import { PLAIN_PAG, SIGMAS, type PagOptions, type SigmaSpacing } from '../diffusion/options';
import { SCHEDULERS, type SchedulerId } from '../diffusion/schedulers';
import type { SchedulerConfig } from '../diffusion/types';
import { parseInfotext } from './infotext';
import { makeRecipe, type Recipe } from './recipe';
import { INITIAL_RECIPE, type RecipeSettings } from '../settings/fields';
import { recipeToInfotext } from './writeInfotext';

const SETTINGS: RecipeSettings = {
  ...INITIAL_RECIPE,
  prompt: 'a cat, (b:1.2)\nsecond "line": 赤',
  negativePrompt: 'dog\nrain: wet',
  emphasis: 'plain',
  seed: 2 ** 53 - 1,
  steps: 20,
  guidanceScale: 3.5,
  pagScale: 2.5,
  layers: 'mid',
  scheduler: 'dpmpp-2m',
  sigmas: 'karras',
  width: 512,
  height: 768,
};
const SITES = [
  { name: 'a', comfyName: 'd2.1' },
  { name: 'b', comfyName: 'm0' },
];
const SD: SchedulerConfig = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  timestep_spacing: 'leading',
};
const write = (changes: Partial<RecipeSettings>, sites = SITES, scheduler?: SchedulerConfig, vae = {}) =>
  recipeToInfotext(
    makeRecipe({
      appVersion: '1.2.3',
      model: { id: 'some/model, one', revision: 'abc', ...vae },
      settings: { ...SETTINGS, ...changes },
      size: { width: 512, height: 768 },
      sites,
      backend: 'wasm',
      adapter: 'CPU',
      versions: {},
      ...(scheduler && { scheduler }),
    }),
  );
const withLoras = (prompt: string) => ({
  ...makeRecipe({
    appVersion: '1.2.3',
    model: { id: 'some', revision: null },
    settings: { ...SETTINGS, prompt },
    size: { width: 512, height: 512 },
    sites: SITES,
    backend: 'wasm',
    adapter: 'CPU',
    versions: {},
  }),
  loras: [
    { name: 'Fur (v2)', weight: 0.8, hash: '0123456789ab' },
    { name: 'late', weight: -0.5, hash: null },
  ],
});
const pagOf = (pag: Partial<PagOptions>): Partial<RecipeSettings> => ({ pag: { ...PLAIN_PAG, ...pag } });

describe('an infotext that is written', () => {
  it('has the LoRA that changed the picture as tags and by their hashes, and comes back', () => {
    const recipe = withLoras('a (red) cat <lora:Fur (v2):0.1><lora:absent:1>');
    const { text, warnings } = recipeToInfotext(recipe);
    expect(text).toContain('a \\(red\\) cat <lora:Fur (v2):0.8> <lora:late:-0.5>\n');
    expect(text).toContain('Lora hashes: "Fur (v2): 0123456789ab"');
    expect(warnings).toEqual([]);
    const { settings, loras, notRestored } = parseInfotext(text, PLAIN_PAG);
    expect(settings.prompt).toBe('a (red) cat <lora:Fur (v2):0.8> <lora:late:-0.5>');
    expect(loras).toEqual(recipe.loras);
    expect(notRestored).toEqual([]);
  });

  it('names the UNet that another model lent the rest, and says that it cannot name that one', () => {
    const recipe = withLoras('a');
    const { text, warnings } = recipeToInfotext({ ...recipe, model: { id: 'base', revision: null, unet: 'mine' } });
    expect(text).toContain('Model: mine,');
    expect(warnings.join()).toContain('that the rest was of base it cannot say');
  });

  it.each<[string, Partial<RecipeSettings>]>([
    ['without PAG', { pagScale: 0 }],
    ['plain', {}],
    [
      "with Forge's window and attenuation",
      pagOf({ window: { semantics: 'forge', start: 0.2, stop: 0.8 }, attenuation: 5 }),
    ],
    [
      'with the advanced parameters',
      {
        layers: 'd2.1,m0',
        ...pagOf({
          adaptive: { semantics: 'pamparamm', amount: 0.1 },
          window: { semantics: 'sigma', start: -1, stop: 0.7 },
          rescale: { mode: 'partial', amount: 0.3 },
        }),
      },
    ],
    ['with SNF', pagOf({ adaptive: { semantics: 'pamparamm', amount: 0 }, rescale: { mode: 'snf' } })],
    ['without a negative prompt', { negativePrompt: '' }],
    ['with clip skip', { clipSkip: 2 }],
    ['with A1111’s emphasis', { emphasis: 'a1111', prompt: 'a (cat:1.2), [b] BREAK \\(c\\)' }],
    ['with A1111’s emphasis without norm', { emphasis: 'a1111-no-norm', negativePrompt: '((x))' }],
    ['with the noise of GPUs', { noiseSource: 'gpu' }],
  ])('%s comes back whole', (_name, changes) => {
    const { text, warnings } = write(changes);
    const { settings, model, notRestored } = parseInfotext(text, PLAIN_PAG);
    // The infotext says no spacing: that is the model's.
    const { pag, layers, prediction, terminalSnr, strength, startFit, earlier, ...others } = {
      ...SETTINGS,
      ...changes,
    };
    const { maskArea, maskPadding, maskFeather, keepRest, ...rest } = others;
    expect([prediction, terminalSnr, earlier]).toEqual(['model', 'model', []]);
    // Nor what is done with a start image where there is none.
    expect([strength, startFit, maskArea, maskPadding, maskFeather, keepRest]).toEqual([
      0.6,
      'crop',
      'whole',
      32,
      4,
      true,
    ]);
    expect({ ...settings, spacing: 'model' }).toEqual(settings.pagScale === 0 ? rest : { ...rest, pag, layers });
    expect(model?.id).toBe('some/model, one');
    expect(notRestored).toEqual([]);
    expect(warnings).toEqual(settings.clipSkip === 1 ? [] : [expect.stringContaining('negative prompt too')]);
  });

  it('says of an image of several its own seed, and its place as A1111 did', () => {
    const { text } = recipeToInfotext({ ...withLoras('a'), batch: { size: 4, position: 2 } });
    expect(text).toContain('Model: some, Batch size: 4, Batch pos: 2, ');
    const { settings, notRestored } = parseInfotext(text, PLAIN_PAG);
    expect([settings.seed, notRestored]).toEqual([SETTINGS.seed, []]);
  });

  describe('of a run that began from an image', () => {
    const from = { start: 'a'.repeat(64), mask: 'b'.repeat(64) };
    const made = (settings: Partial<RecipeSettings>, own: Partial<Recipe> = { start: from.start }) => {
      const recipe = withLoras('a');
      const { text, warnings } = recipeToInfotext({
        ...recipe,
        loras: [],
        settings: { ...recipe.settings, ...settings },
        ...own,
      });
      const read = parseInfotext(text, PLAIN_PAG);
      return { line: text.split('\n').at(-1) ?? '', warnings: warnings.join('\n'), read };
    };

    it('has the size at which the masked part alone was made, which is not the picture’s', () => {
      const settings = { width: 512, height: 768, maskPadding: 8 } as const;
      const { line, read } = made({ ...settings, maskArea: 'masked' }, from);
      expect(line).toContain('Size: 512x768, ');
      expect(read.settings).toMatchObject({ ...settings, maskArea: 'masked' });
      expect(made({ ...settings, maskArea: 'whole' }, from).line).not.toContain('Size: 512x768');
    });

    it('has the denoising strength that runs as many steps there, and the image by its hash', () => {
      const { line, warnings, read } = made({ steps: 20, strength: 0.75 });
      expect(line).toContain(`Denoising strength: 0.7, Init image hash: ${from.start}, `);
      expect(warnings).toContain('with a denoising strength of 0.7 it runs 15 of 20, as here');
      expect(warnings).toContain('resize mode “Crop and resize”');
      expect([read.settings.strength, read.start, read.mask, read.notRestored]).toEqual([
        0.75,
        from.start,
        undefined,
        [],
      ]);
      expect(made({ steps: 20, strength: 0.75, scheduler: 'ddim' }).line).toContain('Denoising strength: 0.75, ');
      expect(made({ steps: 20, strength: 1, scheduler: 'ddim' }).warnings).toContain('it runs one less');
    });

    it('has the mask and what was done with it, and what A1111 always does', () => {
      const whole = made({ maskFeather: 0 }, from);
      expect(whole.line).toContain(`Mask hash: ${from.mask}, Mask blur: 0, Model`);
      expect(whole.read).toMatchObject({ mask: from.mask, settings: { maskFeather: 0, maskArea: 'whole' } });
      expect(whole.warnings).not.toContain('own pixels');
      const part = made({ maskArea: 'masked', maskPadding: 8, keepRest: false }, from);
      expect(part.line).toContain('Mask blur: 4, Inpaint area: Only masked, Masked area padding: 8, ');
      expect(part.read.settings).toMatchObject({ maskArea: 'masked', maskPadding: 8, maskFeather: 4 });
      expect(part.warnings).toContain('own pixels');
      expect(part.read.notRestored).toEqual([]);
    });

    it('is read from A1111’s own, whose strength is the one of as many steps', () => {
      const told = (rest: string) =>
        parseInfotext(`a\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 512x512, ${rest}`, PLAIN_PAG);
      const named = (rest: string) => told(rest).notRestored.map(({ name, why }) => `${name}: ${why}`);
      expect(told('Denoising strength: 0.75')).toMatchObject({ start: '', settings: { strength: 0.8 } });
      expect(named('Denoising strength: 0.75')[0]).toContain('as 0.8, which runs the same 16 of 20 steps');
      const masked = 'Denoising strength: 0.5, Mask blur: 8, Inpaint area: Only masked, Masked area padding: 32';
      expect(told(masked)).toMatchObject({
        mask: '',
        settings: { strength: 0.55, maskFeather: 8, maskArea: 'masked', maskPadding: 32, keepRest: true },
      });
      expect(named(`${masked}, Mask mode: Inpaint not masked, Masked content: latent noise`).slice(1)).toEqual([
        'Mask mode: What was not painted was made anew there: invert the mask.',
        'Masked content: Under the mask Pagoda begins from the image itself.',
      ]);
      expect(told('Denoising strength: 0.5').mask).toBeUndefined();
      const hires = told('Denoising strength: 0.7, Hires upscale: 2');
      expect([hires.start, hires.settings.strength]).toEqual([undefined, undefined]);
      expect(named('Denoising strength: 0.7, Hires upscale: 2')[0]).toContain('second pass');
      expect(named('Denoising strength: 2')[0]).toContain('from 0 to 1');
    });
  });

  it('has every scheduler that A1111 has, and every spread of sigmas', () => {
    for (const scheduler of (Object.keys(SCHEDULERS) as SchedulerId[]).filter((id) => id !== 'ddpm')) {
      for (const sigmas of Object.keys(SIGMAS) as SigmaSpacing[]) {
        expect(parseInfotext(write({ scheduler, sigmas }).text, PLAIN_PAG).settings).toMatchObject({
          scheduler,
          sigmas,
        });
      }
    }
  });

  it('has the line that A1111 and Forge expect', () => {
    expect(write({ prompt: 'p', negativePrompt: 'n', seed: 7 }).text.split('\n')).toEqual([
      'p',
      'Negative prompt: n',
      'Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 3.5, Seed: 7, Size: 512x768, ' +
        'Model: "some/model, one", RNG: CPU, ' +
        'pagi_enabled: True, pagi_scale: 2.5, pagi_attenuation: 0, pagi_start_step: 0, pagi_end_step: 1, ' +
        'Version: Pagoda 1.2.3',
    ]);
  });

  it('names no sampler that A1111 has not', () => {
    const { text, warnings } = write({ scheduler: 'ddpm' });
    expect(text).not.toContain('Sampler:');
    expect(warnings).toEqual([expect.stringContaining('no sampler ddpm')]);
  });

  const labels = (changes: Partial<RecipeSettings>, config: SchedulerConfig) => {
    const { text, warnings } = write({ pagScale: 0, ...changes }, SITES, config);
    return [/Schedule type: ([^,]*)/.exec(text)?.[1], ...warnings];
  };

  it('says what the model’s config says: Automatic would be Karras for DPM++ 2M', () => {
    const asModel = { sigmas: 'model', scheduler: 'euler' } as const;
    expect(labels({ ...asModel, spacing: 'linspace' }, SD)).toEqual(['Uniform']);
    expect(labels({ ...asModel, spacing: 'linspace' }, { ...SD, use_karras_sigmas: true })).toEqual(['Karras']);
    expect(labels({ ...asModel, spacing: 'linspace', sigmas: 'beta' }, SD)).toEqual(['Beta']);
    expect(labels({ ...asModel, scheduler: 'ddim' }, SD)).toEqual(['Uniform']);
  });

  it('says where the noise levels are others there', () => {
    const asModel = { sigmas: 'model', scheduler: 'euler' } as const;
    expect(labels(asModel, SD)).toEqual(['Uniform', expect.stringContaining('choose the schedule type “DDIM”')]);
    expect(labels({ ...asModel, spacing: 'trailing' }, SD)).toEqual([
      'Uniform',
      expect.stringContaining('choose the schedule type “Simple”'),
    ]);
    expect(labels({ ...asModel, sigmas: 'karras' }, SD)).toEqual([
      'Karras',
      expect.stringContaining('No schedule type of A1111'),
    ]);
    expect(labels({ ...asModel, scheduler: 'ddim', spacing: 'trailing' }, SD)).toEqual([
      'Uniform',
      expect.stringContaining('other timesteps'),
    ]);
  });

  it('escapes what weighs there, and comes back', () => {
    const prompt = 'a (cat:1.2), [b|c], \\o/ :)';
    const { text, warnings } = write({ prompt, negativePrompt: '((x))' });
    expect(text.split('\n').slice(0, 2)).toEqual([
      'a \\(cat:1.2\\), \\[b|c\\], \\\\o/ :\\)',
      'Negative prompt: \\(\\(x\\)\\)',
    ]);
    expect(parseInfotext(text, PLAIN_PAG).settings).toMatchObject({ prompt, negativePrompt: '((x))' });
    expect(warnings).toEqual([]);
  });

  it('says weights of ComfyUI’s reading as A1111 reads them, and that the formula is another', () => {
    const { text, warnings } = write({ emphasis: 'comfy', prompt: '(a (b [c]:2):1.3) \\(d\\)', negativePrompt: 'x' });
    expect(text.split('\n')[0]).toBe('(a :1.3)(b \\[c\\]:2) \\(d\\)');
    expect(text).toContain('Emphasis: Original');
    expect(warnings).toEqual([expect.stringContaining('another formula than ComfyUI')]);
    expect(write({ emphasis: 'comfy', prompt: 'a', negativePrompt: '' }).warnings).toEqual([]);
  });

  it('says what A1111 obeys of its own that this run read as words', () => {
    const { warnings } = write({ emphasis: 'a1111', prompt: '[a:b:3] AND c' });
    expect(warnings).toEqual([expect.stringContaining('“[a:b:3]”'), expect.stringContaining('“AND”')]);
  });

  it('says that A1111 reads what was too long', () => {
    const recipe = withLoras('a');
    expect(recipeToInfotext({ ...recipe, isCut: true }).warnings).toEqual([expect.stringContaining('reads the end')]);
  });

  it.each([
    ['a cat\nNegative prompt: b', 'begins with “Negative prompt:”'],
    ['a AND b', '“AND”'],
    ['a BREAK b', '“BREAK”'],
    ['a <hypernet:x:1>', '“<hypernet:x:1>”'],
    ['cat:1.5', 'a weight, “:1.5”, at the end'],
  ])('warns of %j, which cannot be said', (prompt, words) => {
    expect(write({ prompt }).warnings).toEqual([expect.stringContaining(words)]);
    expect(write({ prompt: 'a band, BREAKING, 1:2 <3' }).warnings).toEqual([]);
  });

  it('names the VAE of another file, TAESD as A1111’s setting', () => {
    const line = (vae: object) => write({}, SITES, SD, vae).text.split('\n').at(-1);
    expect(line({})).not.toContain('VAE');
    expect(line({ vae: 'vae-ft' })).toContain(', VAE: vae-ft.safetensors, ');
    expect(line({ vae: 'tiny', tinyVae: true })).toContain(', VAE Decoder: TAESD, ');
  });

  it('spells sets of layers out', () => {
    expect(parseInfotext(write({ layers: 'all' }).text, PLAIN_PAG).settings.layers).toBe('d2.1,m0');
  });

  it('warns of all that it leaves out', () => {
    const all = pagOf({
      adaptive: { semantics: 'diffusers', amount: 0.1 },
      window: { semantics: 'guider', start: 0, stop: 0.5 },
      attenuation: 1,
      guidanceRescale: 0.1,
      identity: 0.5,
    });
    expect(write({ ...all, layers: 'all', spacing: 'trailing' }, []).warnings).toHaveLength(7);
  });
});
