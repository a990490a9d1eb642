// ComfyUI's workflows, read: Pagoda's own come back as they were, and others as far as they are known.

import { describe, expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import type { SchedulerConfig } from '../diffusion/types';
import { INITIAL_RECIPE, type RecipeSettings } from '../settings/fields';
import { stepsRun } from '../diffusion/runPlan';
import { parseComfyWorkflow } from './comfyReader';
import { recipeToComfyWorkflow } from './comfyWorkflow';
import { makeRecipe, type Recipe } from './recipe';

const SD: SchedulerConfig = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  timestep_spacing: 'leading',
};
const BASE: RecipeSettings = {
  ...INITIAL_RECIPE,
  prompt: '(a (red:2) cat:1.5), [b] \\(c\\)',
  negativePrompt: '(rain)',
  emphasis: 'comfy',
  seed: 2 ** 40 + 5,
  scheduler: 'euler',
  spacing: 'linspace',
  width: 512,
  height: 768,
  pag: PLAIN_PAG,
};
const workflowOf = (settings: RecipeSettings, own: Partial<Recipe> = {}) => {
  const { workflow, warnings } = recipeToComfyWorkflow(
    {
      ...makeRecipe({
        appVersion: '0',
        model: { id: 'm', revision: null },
        size: { width: 512, height: 768 },
        sites: [{ name: 'y', comfyName: 'm0' }],
        backend: 'wasm',
        adapter: 'CPU',
        versions: {},
        scheduler: SD,
        settings,
      }),
      ...own,
    },
    'm.safetensors',
  );
  return { workflow: JSON.parse(JSON.stringify(workflow)) as unknown, warnings };
};

describe('what Pagoda has exported', () => {
  test.each<[string, Partial<RecipeSettings>]>([
    ['weights, seed and size', {}],
    ['no PAG', { pagScale: 0 }],
    ['Karras', { sigmas: 'karras' }],
    ['exponential', { sigmas: 'exponential' }],
    ['SGM uniform', { sigmas: 'sgm-uniform', spacing: 'model' }],
    ['trailing', { spacing: 'trailing' }],
    ['turbo', { spacing: 'turbo', steps: 4 }],
    ['clip skip', { clipSkip: 2 }],
    ['v', { prediction: 'v_prediction', terminalSnr: 'zero', spacing: 'trailing' }],
    [
      'advanced PAG',
      {
        pag: {
          ...PLAIN_PAG,
          adaptive: { semantics: 'pamparamm', amount: 0.1 },
          window: { semantics: 'sigma', start: 5, stop: -1 },
          rescale: { mode: 'partial', amount: 0.3 },
        },
      },
    ],
  ])('comes back: %s', (_name, changes) => {
    const settings = { ...BASE, ...changes };
    const { workflow } = workflowOf(settings);
    const restored = parseComfyWorkflow(workflow)!;
    expect(restored.model).toEqual({ id: 'm', revision: null });
    // Settings that no node says stay as they were here, so that the way back is the same workflow.
    expect(workflowOf({ ...INITIAL_RECIPE, ...restored.settings }).workflow).toEqual(workflow);
    const { pag, layers, ...said } = restored.settings;
    expect(said).toMatchObject({
      prompt: settings.prompt,
      negativePrompt: settings.negativePrompt,
      emphasis: 'comfy',
      noiseSource: 'cpu',
      seed: settings.seed,
      clipSkip: settings.clipSkip,
      width: 512,
      height: 768,
    });
    expect([pag, layers]).toEqual(settings.pagScale > 0 ? [settings.pag, 'mid'] : [undefined, undefined]);
  });

  test.each<[string, Partial<RecipeSettings>, Partial<Recipe>?]>([
    ['in a schedule with a name', { strength: 0.6 }],
    ['in one of nodes', { spacing: 'turbo', steps: 4, strength: 0.5 }],
    ['all steps', { strength: 1 }],
    ['stretched', { startFit: 'stretch', strength: 0.55 }],
    ['with a mask', { maskFeather: 0, keepRest: false }, { mask: 'b' }],
    ['with a soft mask, the rest kept', { maskFeather: 7, steps: 33 }, { mask: 'b' }],
  ])('from an image comes back: %s', (_name, changes, own = {}) => {
    const settings = { ...BASE, ...changes };
    const recipe = { ...own, start: 'a' };
    const { workflow } = workflowOf(settings, recipe);
    const { settings: read, start, mask, notRestored } = parseComfyWorkflow(workflow)!;
    expect(workflowOf({ ...INITIAL_RECIPE, ...read }, recipe).workflow).toEqual(workflow);
    expect(read).toMatchObject({ steps: settings.steps, startFit: settings.startFit });
    expect(stepsRun(read.steps!, { strength: read.strength! })).toBe(stepsRun(settings.steps, settings));
    expect([start, mask]).toEqual(['', 'mask' in own ? '' : undefined]);
    if ('mask' in own)
      expect(read).toMatchObject({ maskFeather: settings.maskFeather, keepRest: settings.keepRest, maskArea: 'whole' });
    expect(notRestored).toEqual([]);
  });

  test('with its LoRA, of which each counts once', () => {
    const loras = [
      { name: 'Fur (v2)', weight: 0.8, hash: null },
      { name: 'ink', weight: -1, hash: null },
    ];
    const { workflow } = workflowOf(BASE, { loras });
    const restored = parseComfyWorkflow(workflow)!;
    expect(restored.loras).toEqual(loras);
    expect(restored.settings.prompt).toBe(`${BASE.prompt} <lora:Fur (v2):0.8> <lora:ink:-1>`);
    expect(workflowOf({ ...INITIAL_RECIPE, ...restored.settings }, { loras }).workflow).toEqual(workflow);
  });
});

const node = (class_type: string, inputs: object) => ({ class_type, inputs });
const GRAPH = {
  1: node('CheckpointLoaderSimple', { ckpt_name: 'sub\\dream v8.safetensors' }),
  2: node('CLIPTextEncode', { text: ['9', 0], clip: ['1', 1] }),
  3: node('CLIPTextEncode', { text: 'b', clip: ['1', 1] }),
  4: node('EmptyLatentImage', { width: 640, height: 512, batch_size: 2 }),
  5: node('FreeU', { model: ['1', 0], b1: 1 }),
  6: node('KSampler', {
    model: ['5', 0],
    positive: ['8', 0],
    negative: ['3', 0],
    latent_image: ['4', 0],
    seed: 5,
    steps: 12,
    cfg: 99,
    sampler_name: 'euler_ancestral',
    scheduler: 'beta',
    denoise: 0.5,
  }),
  8: node('ControlNetApply', { conditioning: ['2', 0], strength: 1 }),
  9: node('PrimitiveString', { value: 'a cat' }),
};

describe('what others have made', () => {
  test('is taken as far as it is known, and the rest is named', () => {
    const { settings, model, notRestored } = parseComfyWorkflow(GRAPH)!;
    expect(settings).toMatchObject({
      prompt: 'a cat',
      negativePrompt: 'b',
      seed: 5,
      steps: 12,
      width: 640,
      pagScale: 0,
    });
    expect(settings).toMatchObject({ scheduler: 'euler-a', guidanceScale: 30 });
    expect(settings).not.toHaveProperty('sigmas');
    expect(model).toEqual({ id: 'dream v8', revision: null });
    expect(notRestored.map(({ name }) => name)).toEqual([
      'ControlNetApply',
      'guidanceScale',
      'batch_size',
      'denoise',
      'sampler_name',
      'scheduler',
      'FreeU',
    ]);
  });

  test('an image to begin from: as many steps as there, and what was otherwise', () => {
    const graph = {
      ...GRAPH,
      4: node('VAEEncodeForInpaint', { pixels: ['10', 0], mask: ['11', 0], vae: ['1', 2], grow_mask_by: 6 }),
      10: node('ImageSharpen', { image: ['12', 0] }),
      11: node('FeatherMask', { mask: ['12', 1] }),
      12: node('LoadImage', { image: 'x.png' }),
    };
    const { settings, start, mask, notRestored } = parseComfyWorkflow(graph)!;
    expect(settings).toMatchObject({ steps: 24, strength: 0.5, startFit: 'crop', maskFeather: 0, keepRest: false });
    expect([start, mask]).toEqual(['', '']);
    const named = notRestored.map(({ name }) => name);
    expect(named).toEqual(expect.arrayContaining(['ImageSharpen', 'FeatherMask', 'VAEEncode', 'VAEEncodeForInpaint']));
    const advanced = { ...GRAPH[6].inputs, latent_image: ['13', 0], start_at_step: 9 };
    const later = { ...graph, 6: node('KSamplerAdvanced', advanced), 13: node('VAEEncode', { pixels: ['12', 0] }) };
    expect(parseComfyWorkflow(later)?.settings).toMatchObject({ steps: 12, strength: 0.25 });
  });

  test.each([null, 3, [], {}, { a: null }, { nodes: [], links: [] }, { 1: node('KSamplerX', {}) }])(
    'is nothing: %j',
    (value) => {
      expect(parseComfyWorkflow(value)).toBeNull();
    },
  );

  test('ends where links go in circles or nowhere', () => {
    const circle = {
      ...GRAPH,
      5: node('FreeU', { model: ['5', 0] }),
      8: node('ControlNetApply', { conditioning: ['8', 0] }),
    };
    expect(parseComfyWorkflow(circle)?.settings).toMatchObject({ prompt: '', seed: 5 });
    const bare = {
      1: node('KSampler', {
        positive: ['7', 0],
        seed: 3,
        steps: 'x',
        sampler_name: '__proto__',
        scheduler: 'constructor',
      }),
    };
    const { settings, notRestored } = parseComfyWorkflow(bare)!;
    expect(settings).toMatchObject({ prompt: '', emphasis: 'comfy' });
    expect(notRestored.map(({ name }) => name)).toContain('steps');
  });
});
