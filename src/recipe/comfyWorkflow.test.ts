import { describe, expect, it } from 'vitest';
import { PLAIN_PAG, type PagOptions, type SchedulerId } from '../diffusion/options';
import { recipeToComfyWorkflow } from './comfyWorkflow';
import { makeRecipe } from './recipe';
import { SAMPLERS } from './samplers';

// Inputs as ComfyUI's nodes.py, comfy_extras/nodes_pag.py and sd-perturbed-attention's pag_nodes.py declare them.
type Rule = 'link' | 'text' | readonly [number, number] | readonly string[];
const SAMPLER_LIST = ['euler', 'euler_ancestral', 'heun', 'lms', 'dpmpp_sde', 'dpmpp_2m', 'dpmpp_2m_sde', 'ddpm', 'lcm', 'ddim', 'uni_pc'];
const NODES: Record<string, Record<string, Rule>> = {
  CheckpointLoaderSimple: { ckpt_name: 'text' },
  CLIPTextEncode: { text: 'text', clip: 'link' },
  EmptyLatentImage: { width: [16, 16384], height: [16, 16384], batch_size: [1, 4096] },
  KSampler: {
    model: 'link', seed: [0, 2 ** 64], steps: [1, 10000], cfg: [0, 100], sampler_name: SAMPLER_LIST,
    scheduler: ['simple', 'sgm_uniform', 'karras', 'exponential', 'ddim_uniform', 'beta', 'normal'],
    positive: 'link', negative: 'link', latent_image: 'link', denoise: [0, 1],
  },
  VAEDecode: { samples: 'link', vae: 'link' },
  SaveImage: { images: 'link', filename_prefix: 'text' },
  PerturbedAttentionGuidance: { model: 'link', scale: [0, 100] },
  PerturbedAttention: {
    model: 'link', scale: [0, 100], adaptive_scale: [0, 1], unet_block: ['input', 'middle', 'output'], unet_block_id: [0, 99],
    sigma_start: [-1, 10000], sigma_end: [-1, 10000], rescale: [0, 1], rescale_mode: ['full', 'partial', 'snf'], unet_block_list: 'text',
  },
};

const convert = (pag: Partial<PagOptions>, layers = 'mid', scheduler: SchedulerId = 'euler', pagScale = 3) => recipeToComfyWorkflow(makeRecipe({
  appVersion: '0', model: { id: 'm', revision: null }, size: { width: 64, height: 64 }, sites: [{ name: 'x', comfyName: 'd0' }, { name: 'y', comfyName: 'm0' }],
  backend: 'wasm', adapter: 'CPU', versions: {},
  settings: { prompt: 'a', negativePrompt: '', seed: 1, steps: 4, guidanceScale: 3, pagScale, layers, scheduler, sigmas: 'beta', spacing: 'model', pag: { ...PLAIN_PAG, ...pag } },
}), 'm.safetensors');

const CASES = [
  convert({}), convert({}, 'd0,m0'), convert({}, 'mid', 'euler', 0),
  convert({ adaptive: { semantics: 'pamparamm', amount: 0.1 }, window: { semantics: 'sigma', start: 9, stop: -1 }, rescale: { mode: 'partial', amount: 1 } }),
  ...Object.keys(SAMPLERS).map((id) => convert({}, 'mid', id as SchedulerId)),
];

describe('the ComfyUI workflow', () => {
  it.each(CASES.map((made) => [made.workflow]))('has the inputs that its nodes declare, within their ranges', (workflow) => {
    for (const { class_type, inputs } of Object.values(workflow)) {
      const rules = NODES[class_type] ?? {};
      expect(Object.keys(inputs).sort()).toEqual(Object.keys(rules).sort());
      for (const [name, value] of Object.entries(inputs)) {
        const rule = rules[name];
        if (rule === 'link') expect(workflow[(value as [string, number])[0]]).toBeDefined();
        else if (rule === 'text') expect(typeof value).toBe('string');
        else if (typeof rule?.[0] === 'number') expect(Number(value) >= rule[0] && Number(value) <= Number(rule[1])).toBe(true);
        else expect(rule).toContain(value);
      }
    }
  });

  it('takes the plain node where it is enough, and none without PAG', () => {
    expect(convert({}).workflow['5']?.class_type).toBe('PerturbedAttentionGuidance');
    expect(convert({}, 'd0,m0').workflow['5']).toMatchObject({ class_type: 'PerturbedAttention', inputs: { unet_block_list: 'd0,m0' } });
    expect(convert({}, 'mid', 'euler', 0).workflow['5']).toBeUndefined();
  });

  it('warns of all that it leaves out, and only then', () => {
    expect(convert({}).warnings).toEqual([]);
    expect(convert({ adaptive: { semantics: 'diffusers', amount: 0.1 }, window: { semantics: 'forge', start: 0, stop: 0.5 }, attenuation: 1, guidanceRescale: 0.1, identity: 0.5 }, 'mid', 'pndm').warnings).toHaveLength(6);
  });
});
