import { describe, expect, it } from 'vitest';
import { PLAIN_PAG, SIGMAS, type PagOptions, type SigmaSpacing } from '../diffusion/options';
import { SCHEDULERS, type SchedulerId } from '../diffusion/schedulers';
import type { SchedulerConfig } from '../diffusion/types';
import { recipeToComfyWorkflow, type ComfyInput, type ComfyWorkflow } from './comfyWorkflow';
import { makeRecipe, type Recipe } from './recipe';
import { INITIAL_RECIPE, type RecipeSettings } from '../settings/fields';

// Inputs as ComfyUI's nodes.py, comfy_extras/nodes_pag.py, comfy/samplers.py and sd-perturbed-attention's pag_nodes.py
// declare them, and the types of each node's outputs. ComfyUI refuses a workflow that breaks one of these.
type Rule =
  | 'SAMPLER'
  | 'SIGMAS'
  | 'BOOLEAN'
  | 'MODEL'
  | 'CLIP'
  | 'VAE'
  | 'CONDITIONING'
  | 'LATENT'
  | 'IMAGE'
  | 'MASK'
  | 'STRING'
  | { type: 'INT' | 'FLOAT'; min: number; max: number }
  | readonly string[];
const INT = (min: number, max: number): Rule => ({ type: 'INT', min, max });
const FLOAT = (min: number, max: number): Rule => ({ type: 'FLOAT', min, max });
const SAMPLER_LIST = [
  'euler',
  'euler_ancestral',
  'heun',
  'lms',
  'dpmpp_sde',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'ddpm',
  'lcm',
  'ddim',
  'uni_pc',
];
const SCHEDULER_LIST = ['simple', 'sgm_uniform', 'karras', 'exponential', 'ddim_uniform', 'beta', 'normal'];
const NODES: Record<string, { inputs: Record<string, Rule>; outputs: readonly string[] }> = {
  CheckpointLoaderSimple: { inputs: { ckpt_name: 'STRING' }, outputs: ['MODEL', 'CLIP', 'VAE'] },
  CLIPSetLastLayer: { inputs: { clip: 'CLIP', stop_at_clip_layer: INT(-24, -1) }, outputs: ['CLIP'] },
  LoraLoader: {
    inputs: {
      model: 'MODEL',
      clip: 'CLIP',
      lora_name: 'STRING',
      strength_model: FLOAT(-100, 100),
      strength_clip: FLOAT(-100, 100),
    },
    outputs: ['MODEL', 'CLIP'],
  },
  CLIPTextEncode: { inputs: { text: 'STRING', clip: 'CLIP' }, outputs: ['CONDITIONING'] },
  EmptyLatentImage: {
    inputs: { width: INT(16, 16384), height: INT(16, 16384), batch_size: INT(1, 4096) },
    outputs: ['LATENT'],
  },
  KSampler: {
    inputs: {
      model: 'MODEL',
      seed: INT(0, 2 ** 64 - 1),
      steps: INT(1, 10000),
      cfg: FLOAT(0, 100),
      sampler_name: SAMPLER_LIST,
      scheduler: SCHEDULER_LIST,
      positive: 'CONDITIONING',
      negative: 'CONDITIONING',
      latent_image: 'LATENT',
      denoise: FLOAT(0, 1),
    },
    outputs: ['LATENT'],
  },
  SamplerCustom: {
    inputs: {
      model: 'MODEL',
      add_noise: 'BOOLEAN',
      noise_seed: INT(0, 2 ** 64 - 1),
      cfg: FLOAT(0, 100),
      positive: 'CONDITIONING',
      negative: 'CONDITIONING',
      sampler: 'SAMPLER',
      sigmas: 'SIGMAS',
      latent_image: 'LATENT',
    },
    outputs: ['LATENT', 'LATENT'],
  },
  KSamplerSelect: { inputs: { sampler_name: SAMPLER_LIST }, outputs: ['SAMPLER'] },
  KarrasScheduler: {
    inputs: { steps: INT(1, 10000), sigma_max: FLOAT(0, 5000), sigma_min: FLOAT(0, 5000), rho: FLOAT(0, 100) },
    outputs: ['SIGMAS'],
  },
  ExponentialScheduler: {
    inputs: { steps: INT(1, 10000), sigma_max: FLOAT(0, 5000), sigma_min: FLOAT(0, 5000) },
    outputs: ['SIGMAS'],
  },
  SDTurboScheduler: { inputs: { model: 'MODEL', steps: INT(1, 10), denoise: FLOAT(0, 1) }, outputs: ['SIGMAS'] },
  ModelSamplingDiscrete: {
    inputs: { model: 'MODEL', sampling: ['eps', 'v_prediction', 'lcm', 'x0'], zsnr: 'BOOLEAN' },
    outputs: ['MODEL'],
  },
  UNETLoader: {
    inputs: { unet_name: 'STRING', weight_dtype: ['default', 'fp8_e4m3fn', 'fp8_e5m2'] },
    outputs: ['MODEL'],
  },
  VAELoader: { inputs: { vae_name: 'STRING' }, outputs: ['VAE'] },
  LoadImage: { inputs: { image: 'STRING' }, outputs: ['IMAGE', 'MASK'] },
  LoadImageMask: { inputs: { image: 'STRING', channel: ['alpha', 'red', 'green', 'blue'] }, outputs: ['MASK'] },
  ImageScale: {
    inputs: {
      image: 'IMAGE',
      upscale_method: ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos'],
      width: INT(0, 16384),
      height: INT(0, 16384),
      crop: ['disabled', 'center'],
    },
    outputs: ['IMAGE'],
  },
  ImageBlur: { inputs: { image: 'IMAGE', blur_radius: INT(1, 31), sigma: FLOAT(0.1, 10) }, outputs: ['IMAGE'] },
  MaskToImage: { inputs: { mask: 'MASK' }, outputs: ['IMAGE'] },
  ImageToMask: { inputs: { image: 'IMAGE', channel: ['red', 'green', 'blue', 'alpha'] }, outputs: ['MASK'] },
  ImageCompositeMasked: {
    inputs: {
      destination: 'IMAGE',
      source: 'IMAGE',
      x: INT(0, 16384),
      y: INT(0, 16384),
      resize_source: 'BOOLEAN',
      mask: 'MASK',
    },
    outputs: ['IMAGE'],
  },
  VAEEncode: { inputs: { pixels: 'IMAGE', vae: 'VAE' }, outputs: ['LATENT'] },
  SetLatentNoiseMask: { inputs: { samples: 'LATENT', mask: 'MASK' }, outputs: ['LATENT'] },
  RepeatLatentBatch: { inputs: { samples: 'LATENT', amount: INT(1, 64) }, outputs: ['LATENT'] },
  LatentFromBatch: {
    inputs: { samples: 'LATENT', batch_index: INT(0, 63), length: INT(1, 64) },
    outputs: ['LATENT'],
  },
  SplitSigmas: { inputs: { sigmas: 'SIGMAS', step: INT(0, 10000) }, outputs: ['SIGMAS', 'SIGMAS'] },
  VAEDecode: { inputs: { samples: 'LATENT', vae: 'VAE' }, outputs: ['IMAGE'] },
  SaveImage: { inputs: { images: 'IMAGE', filename_prefix: 'STRING' }, outputs: [] },
  PerturbedAttentionGuidance: { inputs: { model: 'MODEL', scale: FLOAT(0, 100) }, outputs: ['MODEL'] },
  PerturbedAttention: {
    inputs: {
      model: 'MODEL',
      scale: FLOAT(0, 100),
      adaptive_scale: FLOAT(0, 1),
      unet_block: ['input', 'middle', 'output'],
      unet_block_id: INT(0, 99),
      sigma_start: FLOAT(-1, 10000),
      sigma_end: FLOAT(-1, 10000),
      rescale: FLOAT(0, 1),
      rescale_mode: ['full', 'partial', 'snf'],
      unet_block_list: 'STRING',
    },
    outputs: ['MODEL'],
  },
};

/** Why ComfyUI would refuse it; nothing where it would not. */
function faults(workflow: ComfyWorkflow): string[] {
  return Object.entries(workflow).flatMap(([id, { class_type, inputs }]) => {
    const rules = NODES[class_type]?.inputs;
    if (!rules) return [`${id}: no node ${class_type}`];
    const names = [...new Set([...Object.keys(rules), ...Object.keys(inputs)])];
    return names
      .filter((name) => !isRight(workflow, rules[name], inputs[name]))
      .map((name) => `${id}: ${name} = ${JSON.stringify(inputs[name])}`);
  });
}

function isRight(workflow: ComfyWorkflow, rule: Rule | undefined, value: ComfyInput | undefined): boolean {
  if (rule === undefined || value === undefined) return false;
  if (rule === 'BOOLEAN') return typeof value === 'boolean';
  if (rule === 'STRING') return typeof value === 'string';
  if (Array.isArray(rule)) return rule.includes(value);
  if (typeof rule === 'object' && 'type' in rule) {
    return (
      typeof value === 'number' &&
      value >= rule.min &&
      value <= rule.max &&
      (rule.type === 'FLOAT' || Number.isInteger(value))
    );
  }
  const [node, output] = value as [string, number];
  return NODES[workflow[node]?.class_type ?? '']?.outputs[output] === rule;
}

const convert = (
  pag: Partial<PagOptions>,
  layers = 'mid',
  scheduler: SchedulerId = 'euler',
  pagScale = 3,
  more: Partial<RecipeSettings> = {},
  config?: SchedulerConfig,
  readsPenultimate = false,
  loras?: Recipe['loras'],
  own: Partial<Recipe> = {},
) =>
  recipeToComfyWorkflow(
    makeRecipe({
      appVersion: '0',
      model: { id: 'm', revision: null },
      size: { width: 64, height: 64 },
      sites: [
        { name: 'x', comfyName: 'd0' },
        { name: 'y', comfyName: 'm0' },
      ],
      backend: 'wasm',
      adapter: 'CPU',
      versions: {},
      ...(config && { scheduler: config }),
      readsPenultimate,
      ...(loras && { loras }),
      ...own,
      settings: {
        ...INITIAL_RECIPE,
        prompt: 'a',
        negativePrompt: '',
        emphasis: 'plain',
        seed: 1,
        steps: 4,
        guidanceScale: 3,
        pagScale,
        layers,
        scheduler,
        sigmas: 'sgm-uniform',
        pag: { ...PLAIN_PAG, ...pag },
        ...more,
      },
    }),
    'm.safetensors',
  );

const SD: SchedulerConfig = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  timestep_spacing: 'leading',
};
const scheduled = (scheduler: SchedulerId, settings: Partial<RecipeSettings>, config: SchedulerConfig = SD) =>
  convert({}, 'mid', scheduler, 0, { sigmas: 'model', steps: 20, ...settings }, config);

const from = (settings: Partial<RecipeSettings>, own: Partial<Recipe> = {}) =>
  convert({}, 'mid', 'euler', 0, { sigmas: 'model', steps: 20, ...settings }, SD, false, undefined, {
    start: 'a',
    ...own,
  });

const CASES = [
  from({}),
  from({ sigmas: 'karras', startFit: 'stretch' }),
  from({ maskFeather: 64 }, { mask: 'b' }),
  from({ maskFeather: 0, keepRest: false }, { mask: 'b' }),
  scheduled('euler', { sigmas: 'karras' }),
  scheduled('euler', { sigmas: 'exponential' }),
  scheduled('euler', { steps: 4, spacing: 'turbo' }),
  scheduled('lcm', { steps: 4 }),
  convert({}),
  convert({}, 'd0,m0'),
  convert({}, 'mid', 'euler', 0),
  convert({}, 'mid', 'euler', 3, {}, SD, false, [{ name: 'l', weight: 1, hash: null }], {
    model: { id: 'm', revision: null, unet: 'mine', vae: 'v' },
  }),
  convert({
    adaptive: { semantics: 'pamparamm', amount: 0.1 },
    window: { semantics: 'sigma', start: 9, stop: -1 },
    rescale: { mode: 'partial', amount: 1 },
  }),
  convert(
    {
      adaptive: { semantics: 'pamparamm', amount: 1 },
      window: { semantics: 'sigma', start: -1, stop: 10_000 },
      rescale: { mode: 'snf' },
    },
    'mid',
    'ddim',
    100,
    { seed: 2 ** 53 - 1, steps: 150, guidanceScale: 30 },
  ),
  ...Object.keys(SCHEDULERS).map((id) => convert({}, 'mid', id as SchedulerId)),
  ...Object.keys(SIGMAS).map((id) => convert({}, 'mid', 'euler', 3, { sigmas: id as SigmaSpacing })),
];

describe('the ComfyUI workflow', () => {
  it.each(CASES.map((made) => [made.workflow]))(
    'has the inputs that its nodes declare, of their types and within their ranges',
    (workflow) => {
      expect(faults(workflow)).toEqual([]);
    },
  );

  it('would be refused by these rules with another name, type, range or link', () => {
    const { workflow } = convert({}, 'd0,m0');
    for (const [id, name, value] of [
      ['6', 'cfg_scale', 3],
      ['6', 'seed', 1.5],
      ['6', 'cfg', 101],
      ['6', 'sampler_name', 'plms'],
      ['6', 'model', ['4', 0]],
      ['7', 'vae', ['1', 1]],
      ['5', 'scale', '3'],
    ] as const) {
      const node = workflow[id]!;
      expect(faults({ ...workflow, [id]: { ...node, inputs: { ...node.inputs, [name]: value } } })).toHaveLength(1);
    }
  });

  it('loads LoRA one behind the other, for the model and both prompts, whose tags are gone', () => {
    const loras = [
      { name: 'fur', weight: 0.5, hash: null },
      { name: 'late', weight: -1, hash: null },
    ];
    const words = { prompt: 'a cat <lora:fur:0.5>' };
    const { workflow, warnings } = convert({}, 'mid', 'lcm', 3, words, undefined, false, loras);
    expect(faults(workflow)).toEqual([]);
    expect(workflow['20']).toMatchObject({ inputs: { model: ['1', 0], lora_name: 'fur.safetensors' } });
    expect(workflow['21']).toMatchObject({ inputs: { clip: ['20', 1], strength_model: -1, strength_clip: -1 } });
    expect(workflow['2']?.inputs).toEqual({ text: 'a cat', clip: ['21', 1] });
    expect(workflow['3']?.inputs).toMatchObject({ clip: ['21', 1] });
    expect(workflow['9']?.inputs).toMatchObject({ model: ['21', 0] });
    expect(warnings).toContain('LoRA are named by their files: put these into ComfyUI’s models/loras.');
  });

  it('takes the plain node where it is enough, and none without PAG', () => {
    expect(convert({}).workflow['5']?.class_type).toBe('PerturbedAttentionGuidance');
    expect(convert({}, 'd0,m0').workflow['5']).toMatchObject({
      class_type: 'PerturbedAttention',
      inputs: { unet_block_list: 'd0,m0' },
    });
    expect(convert({}, 'mid', 'euler', 0).workflow['5']).toBeUndefined();
  });

  const schedule = ({ workflow }: ReturnType<typeof convert>) =>
    workflow['6']?.inputs['scheduler'] ?? [workflow['11']?.class_type, workflow['11']?.inputs];

  it('has the noise levels of the run: as the config says, by the name that means them, or by nodes', () => {
    expect(schedule(scheduled('euler', {}))).toBe('ddim_uniform');
    expect(schedule(scheduled('euler', { spacing: 'linspace' }))).toBe('normal');
    expect(schedule(scheduled('euler', { spacing: 'trailing' }))).toBe('simple');
    expect(schedule(scheduled('euler', { sigmas: 'sgm-uniform' }))).toBe('sgm_uniform');
    expect(schedule(scheduled('euler', { spacing: 'linspace', sigmas: 'karras' }))).toBe('karras');
    expect(schedule(scheduled('euler', { spacing: 'linspace' }, { ...SD, use_karras_sigmas: true }))).toBe('karras');
    // From the first spaced timestep, 951, not from the last one of training.
    const [node, inputs] = schedule(scheduled('euler', { sigmas: 'karras' })) as [string, Record<string, number>];
    expect(node).toBe('KarrasScheduler');
    expect(inputs['sigma_max']).toBeCloseTo(11.5, 0);
    expect(schedule(scheduled('euler', { steps: 4, spacing: 'turbo' }))).toEqual([
      'SDTurboScheduler',
      { model: ['1', 0], steps: 4, denoise: 1 },
    ]);
    for (const made of [scheduled('euler', {}), scheduled('euler', { sigmas: 'karras' })])
      expect(made.warnings).toEqual([]);
  });

  it('runs the same steps of a start image, with the run’s own noise: the second draw of its seed', () => {
    const named = from({ strength: 0.6 }).workflow;
    // 12 of the 20 that it makes of ⌊12 / 0.6⌋.
    expect(named['6']?.inputs).toMatchObject({ steps: 12, denoise: 0.6, scheduler: 'ddim_uniform' });
    expect(named['4']).toMatchObject({ class_type: 'LatentFromBatch', inputs: { batch_index: 1, length: 1 } });
    const nodes = from({ strength: 0.6, sigmas: 'karras' }).workflow;
    expect(nodes['11']?.inputs).toMatchObject({ steps: 20 });
    expect(nodes['19']?.inputs).toEqual({ sigmas: ['11', 0], step: 8 });
    expect(nodes['6']?.inputs['sigmas']).toEqual(['19', 1]);
    expect(from({ strength: 1, sigmas: 'karras' }).workflow['6']?.inputs['sigmas']).toEqual(['11', 0]);
  });

  it('says what it cannot do with a start image, or does otherwise', () => {
    const said = (settings: Partial<RecipeSettings>, own: Partial<Recipe> = {}) => from(settings, own).warnings;
    expect(said({ startFit: 'stretch' })).toEqual([
      expect.stringContaining('input folder as start.png'),
      expect.stringContaining('the mean'),
    ]);
    expect(said({ startFit: 'fit' }).join()).toContain('draws an image’s edges out');
    expect(said({ strength: 1 }).join()).toContain('a little more noise');
    const masked = said({ maskFeather: 20, maskArea: 'masked' }, { mask: 'b' }).join();
    for (const words of ['mask.png', 'soft at its edge', 'blurs by 10 at most', 'no nodes for “Only masked”'])
      expect(masked).toContain(words);
  });

  it('says that beta is another formula there, and LCM has its own scalings', () => {
    expect(scheduled('euler', { sigmas: 'beta' }).warnings).toEqual([
      expect.stringContaining('beta spreads timesteps'),
    ]);
    expect(scheduled('lcm', { steps: 4 }).workflow).toMatchObject({
      9: { class_type: 'ModelSamplingDiscrete', inputs: { model: ['1', 0], sampling: 'lcm', zsnr: false } },
      6: { inputs: { model: ['9', 0], scheduler: 'simple' } },
    });
  });

  it('says what was said of the model: its prediction, the end of its schedule, layers of its text encoder', () => {
    const said = (more: Partial<RecipeSettings>, readsPenultimate = false) =>
      convert({}, 'mid', 'euler', 3, more, SD, readsPenultimate).workflow;
    const sampling = (workflow: ComfyWorkflow) => workflow['9']?.inputs;
    expect(sampling(said({}))).toBeUndefined();
    expect(sampling(said({ prediction: 'v_prediction' }))).toMatchObject({ sampling: 'v_prediction', zsnr: false });
    expect(sampling(said({ terminalSnr: 'zero' }))).toMatchObject({ sampling: 'eps', zsnr: true });
    const skipped = said({ clipSkip: 2 });
    expect(skipped['12']?.inputs).toMatchObject({ stop_at_clip_layer: -2 });
    expect([skipped['2']?.inputs['clip'], skipped['3']?.inputs['clip']]).toEqual([
      ['12', 0],
      ['1', 1],
    ]);
    expect(said({ clipSkip: 2 }, true)['12']?.inputs).toMatchObject({ stop_at_clip_layer: -3 });
  });

  it('loads the VAE that stood in place of the model’s own', () => {
    const withVae = (own: Partial<Recipe>, tinyVae = false) => {
      const model = { id: 'm', revision: null, vae: 'vae-ft', tinyVae };
      return convert({}, 'mid', 'euler', 3, {}, SD, false, [], { ...own, model });
    };
    const { workflow } = withVae({});
    expect(workflow['13']).toMatchObject({ class_type: 'VAELoader', inputs: { vae_name: 'vae-ft.safetensors' } });
    expect(workflow['7']?.inputs['vae']).toEqual(['13', 0]);
    // ComfyUI's VAELoader knows TAESD by its name alone.
    for (const [own, name] of [
      [{}, 'taesd'],
      [{ sdxl: true }, 'taesdxl'],
    ] as const) {
      const tiny = withVae(own, true);
      expect(tiny.workflow['13']?.inputs).toEqual({ vae_name: name });
      expect(tiny.warnings).toEqual([expect.stringContaining('models/vae_approx')]);
    }
  });

  it('loads a UNet by itself, LoRA behind it, and the rest with the checkpoint', () => {
    const loras = [{ name: 'first', weight: 1, hash: null }];
    const own = { model: { id: 'm', revision: null, unet: 'mine' } };
    const { workflow, warnings } = convert({}, 'mid', 'euler', 3, {}, SD, false, loras, own);
    expect(workflow['14']).toEqual({
      class_type: 'UNETLoader',
      inputs: { unet_name: 'mine.safetensors', weight_dtype: 'default' },
    });
    expect(workflow['20']?.inputs).toMatchObject({ model: ['14', 0], clip: ['1', 1] });
    expect(warnings.join()).toContain('The UNet is named by its file');
    const alone = convert({}, 'mid', 'euler', 0, {}, SD, false, [], own).workflow;
    expect(alone['6']?.inputs['model']).toEqual(['14', 0]);
    expect(alone['2']?.inputs['clip']).toEqual(['1', 1]);
  });

  it('names embeddings as ComfyUI does, apart from what stands beside them', () => {
    const settings = { prompt: '(Neg:1.2) a neg, negative', negativePrompt: 'neg' };
    const { workflow, warnings } = convert({}, 'mid', 'euler', 3, settings, SD, false, [], { embeddings: ['neg'] });
    expect(workflow['2']?.inputs['text']).toBe('\\( embedding:neg :1.2\\) a embedding:neg, negative');
    expect(workflow['3']?.inputs['text']).toBe('embedding:neg');
    expect(warnings.join()).toContain('Embeddings are named by their files');
  });

  it('escapes parentheses, which weigh there', () => {
    expect(convert({}, 'mid', 'euler', 3, { prompt: 'a (cat:1.2) [b] \\\\' }).workflow['2']?.inputs['text']).toBe(
      'a \\(cat:1.2\\) [b] \\\\',
    );
  });

  it('says weights of A1111’s reading as ComfyUI reads them, and in what it differs', () => {
    const read = (emphasis: RecipeSettings['emphasis'], prompt: string, own: Partial<Recipe> = {}) => {
      const { workflow, warnings } = convert(
        {},
        'mid',
        'euler',
        0,
        { emphasis, prompt, clipSkip: 2 },
        SD,
        false,
        undefined,
        own,
      );
      return [workflow['2']?.inputs['text'], workflow['3']?.inputs['clip'], ...warnings];
    };
    const [both, alone] = [
      ['12', 0],
      ['1', 1],
    ];
    expect(read('a1111', '((a) [b:c]) \\(d\\)')).toEqual([
      '(a:1.21) b:c \\(d\\)',
      both,
      expect.stringContaining('another formula than A1111'),
    ]);
    expect(read('a1111', 'a BREAK b', { chunks: 2 })).toEqual([
      'a b',
      both,
      expect.stringContaining('no BREAK'),
      expect.stringContaining('chunks'),
    ]);
    expect(read('comfy', '(a:1.2) [b]', { chunks: 2 })).toEqual(['(a:1.2) [b]', both]);
    expect(read('plain', '(a)', { isCut: true })).toEqual([
      '\\(a\\)',
      alone,
      expect.stringContaining('reads the end of the prompt'),
    ]);
  });

  it('warns of all that it leaves out, and only then', () => {
    expect(convert({}).warnings).toEqual([]);
    expect(
      convert(
        {
          adaptive: { semantics: 'diffusers', amount: 0.1 },
          window: { semantics: 'forge', start: 0, stop: 0.5 },
          attenuation: 1,
          guidanceRescale: 0.1,
          identity: 0.5,
        },
        'mid',
        'pndm',
      ).warnings,
    ).toHaveLength(6);
  });
});
