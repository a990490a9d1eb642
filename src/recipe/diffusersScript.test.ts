// The script is checked where it counts: fixtures/recipe/run_scripts.py has run the very files that are compared here
// with diffusers, and Pagoda makes the same latents from the same recipes.

import { createHash } from 'node:crypto';
import { openAsBlob, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { PLAIN_PAG, type PagOptions } from '../diffusion/options';
import { SCHEDULERS, type SchedulerId } from '../diffusion/schedulers';
import { wholeFile, type FamilyName } from '../../fixtures/checkpoints/pipelines';
import { maskOf } from '../../fixtures/inpaint/inpaint';
import { startPicture } from '../../fixtures/start/start';
import { checkpointFiles } from '../engine/checkpointFiles';
import { CpuBackend } from '../engine/cpuBackend';
import { openModel } from '../engine/testing/openModel';
import { generate } from '../engine/generate';
import { readModelFiles } from '../engine/modelFiles';
import { folder } from '../engine/testing/folder';
import { loadNodeRuntime } from '../engine/testing/nodeRuntime';
import { relativeError } from '../engine/testing/unetChecks';
import { recipeToDiffusersScript } from './diffusersScript';
import { pythonString } from './pythonText';
import { makeRecipe, type Recipe } from './recipe';
import { INITIAL_RECIPE, type RecipeSettings } from '../settings/fields';
import type { RgbPixels } from '../image/resample';

const SETTINGS: RecipeSettings = {
  ...INITIAL_RECIPE,
  prompt: 'a photo of a red apple',
  negativePrompt: 'a cat and a dog',
  emphasis: 'plain',
  seed: 7,
  steps: 4,
  guidanceScale: 4,
  pagScale: 3,
  layers: 'mid',
  scheduler: 'ddim',
};

const SMALL = { width: 32, height: 32 };

/** Two chunks or three of the small models' 14 tokens. */
const LONG = 'a photo of a (red apple:1.3), the cat and the dog, (on (a wall) of red:0.7) [cat] apple';

function recipeOf(
  settings: RecipeSettings,
  sites: Recipe['sites'],
  id = 'tiny',
  size = SMALL,
  revision: string | null = null,
): Recipe {
  return makeRecipe({
    appVersion: '0.1.0',
    model: { id, revision },
    settings,
    size,
    sites,
    backend: 'wasm',
    adapter: 'CPU',
    versions: {},
  });
}

describe('a script that diffusers has run', async () => {
  const golden = JSON.parse(readFileSync('fixtures/recipe/golden.json', 'utf8')) as {
    latents: Record<string, number[]>;
  };
  const backend = new CpuBackend(await loadNodeRuntime());
  const open = async (path: string) => openModel(backend, await readModelFiles(folder(path)), path);
  const wholeModel = (family: FamilyName) =>
    checkpointFiles({ file: new File([wholeFile(family, 'F32')], 'small.safetensors'), clipUrl: '' }, undefined, () =>
      openAsBlob('public/clip/merges.txt'),
    );
  const [small, smallXl] = [await wholeModel('sd1'), await wholeModel('sdxl')];
  const models = {
    tiny: await open('fixtures/models/tiny'),
    sdxl: await open('fixtures/engine/sdxl'),
    small: await openModel(backend, small, 'small'),
    'small-xl': await openModel(backend, smallXl, 'small-xl'),
  };
  const picture = startPicture();
  const start = { ...picture, hash: pictureHash(picture), rgb: new Blob([picture.rgb]) };
  const { gray } = maskOf('hard');
  const hard = { hash: pictureHash({ ...picture, rgb: gray }), gray: new Blob([gray]) };
  const adaptive = { ...PLAIN_PAG, adaptive: { semantics: 'diffusers', amount: 0.003 } } as const;

  // The exported UNet reads whole timesteps, diffusers' any: so Euler's are whole here.
  const cases: [string, keyof typeof models, Partial<RecipeSettings>, images?: number][] = [
    ['ddim-mid', 'tiny', {}],
    [
      'dpmpp-2m-karras-pag-only',
      'tiny',
      { scheduler: 'dpmpp-2m', sigmas: 'karras', guidanceScale: 1, layers: 'd0,m0', negativePrompt: '' },
    ],
    [
      'euler-sgm-adaptive',
      'tiny',
      { scheduler: 'euler', sigmas: 'sgm-uniform', steps: 3, layers: 'up', pag: adaptive },
    ],
    ['dpmpp-2m-sgm-without-pag', 'tiny', { scheduler: 'dpmpp-2m', sigmas: 'sgm-uniform', pagScale: 0, steps: 6 }],
    [
      'dpmpp-2m-exponential-all',
      'tiny',
      { scheduler: 'dpmpp-2m', sigmas: 'exponential', layers: 'all', seed: 2 ** 53 - 1 },
    ],
    [
      'ddim-trailing-quotes',
      'tiny',
      { spacing: 'trailing', prompt: 'apple """ \\ # {x} \n赤 🍎\u202e', guidanceScale: 2.5 },
    ],
    ['euler-guidance-rescale', 'tiny', { scheduler: 'euler', pag: { ...PLAIN_PAG, guidanceRescale: 0.7 } }],
    ['ddpm', 'tiny', { scheduler: 'ddpm' }],
    ['euler-a', 'tiny', { scheduler: 'euler-a' }],
    ['heun-sgm', 'tiny', { scheduler: 'heun', sigmas: 'sgm-uniform', steps: 3 }],
    ['dpmpp-2m-sde-karras', 'tiny', { scheduler: 'dpmpp-2m-sde', sigmas: 'karras' }],
    ['pndm', 'tiny', { scheduler: 'pndm', steps: 5 }],
    ['unipc', 'tiny', { scheduler: 'unipc' }],
    ['lms', 'tiny', { scheduler: 'lms' }],
    ['dpmpp-2m-beta', 'tiny', { scheduler: 'dpmpp-2m', sigmas: 'beta' }],
    ['lcm', 'tiny', { scheduler: 'lcm' }],
    ['sdxl-down', 'sdxl', { scheduler: 'euler', layers: 'd0.1,m0.0-1' }],
    ['ddim-v-zero-snr', 'tiny', { prediction: 'v_prediction', terminalSnr: 'zero' }],
    ['sdxl-clip-skip', 'sdxl', { scheduler: 'euler', clipSkip: 2 }],
    ['euler-a-wide-several', 'tiny', { scheduler: 'euler-a', width: 40, height: 24 }, 3],
    ['sdxl-without-pag', 'sdxl', { scheduler: 'euler', pagScale: 0, negativePrompt: '' }],
    ['a1111-weights', 'tiny', { emphasis: 'a1111', prompt: LONG, negativePrompt: '(a cat:1.2) BREAK [[dog]]' }],
    ['comfy-weights', 'tiny', { emphasis: 'comfy', prompt: LONG, negativePrompt: '(a cat:1.2)' }],
    // This UNet takes one chunk.
    [
      'a1111-no-norm',
      'sdxl',
      { emphasis: 'a1111-no-norm', scheduler: 'euler', prompt: '(red apple:1.3) [on a wall]', negativePrompt: '' },
    ],
    [
      'comfy-clip-skip',
      'sdxl',
      { emphasis: 'comfy', scheduler: 'euler', prompt: 'a (red apple:1.3)', negativePrompt: '', clipSkip: 2 },
    ],
    ['single-file', 'small', { steps: 2, guidanceScale: 3, pagScale: 2, layers: 'mid' }],
    ['single-file-taesd', 'small', { steps: 2, guidanceScale: 3, pagScale: 0, scheduler: 'euler' }],
    ['start-ddim-filled', 'small', { steps: 5, strength: 0.6 }],
    ['start-euler-a-several', 'small', { scheduler: 'euler-a', strength: 0.5, startFit: 'fit' }, 2],
    ['start-sgm-taesd', 'small', { scheduler: 'euler', sigmas: 'sgm-uniform', steps: 6, pagScale: 0, strength: 0.5 }],
    [
      'start-sdxl-stretched',
      'small-xl',
      { scheduler: 'euler', startFit: 'stretch', pag: { ...PLAIN_PAG, guidanceRescale: 0.7 }, strength: 0.3 },
    ],
    ['mask-euler-a', 'small', { scheduler: 'euler-a', steps: 5, strength: 0.6, maskFeather: 3 }],
    [
      'mask-part-several',
      'small',
      { strength: 0.5, maskArea: 'masked', maskPadding: 8, maskFeather: 0, keepRest: false, width: 192, height: 128 },
      2,
    ],
  ];

  test.each(cases)('%s: Pagoda gives the same latents', async (name, id, changes, images = 1) => {
    const model = models[id];
    const settings = { ...SETTINGS, ...changes };
    const mask = name.startsWith('mask-') ? hard : null;
    const isFrom = mask !== null || name.startsWith('start-');
    const { latents, stats, pair } = await generate(
      model,
      { ...settings, images, compare: false, backend: 'wasm' },
      { signal: new AbortController().signal, progress: () => {}, preview: () => {} },
      { seeds: images, start: isFrom ? { ...start, ...(mask && { mask }) } : null },
    );
    const sites = model.info.sites
      .filter((site) => stats.perturbedSites.includes(site.name))
      .map(({ name: site, comfyName }) => ({ name: site, comfyName }));
    const { width, height } = pair.withPag;
    // That of the second image says the seeds of all.
    const batch = images > 1 && { batch: { size: images, position: 1 } };
    const own = images > 1 ? { ...settings, seed: settings.seed + 1 } : settings;
    const plain = {
      ...recipeOf(own, sites, id, { width, height }),
      ...batch,
      ...(model.info.sdxl && { sdxl: true }),
      ...(stats.text && { chunks: stats.text.chunks }),
      ...(isFrom && { start: start.hash, ...(mask && { mask: mask.hash }) }),
    };
    const vae = name.endsWith('taesd') && { vae: 'taesd', tinyVae: true };
    const recipe =
      id === 'small' && name !== 'start-ddim-filled'
        ? { ...plain, scheduler: model.info.scheduler, model: { ...plain.model, singleFile: true, ...vae } }
        : plain;
    const { script } = recipeToDiffusersScript(recipe);
    await expect(script).toMatchFileSnapshot(`../../fixtures/recipe/scripts/${name}.py`);
    expect(relativeError(latents, Float32Array.from(golden.latents[name] ?? []))).toBeLessThan(1e-4);
  });
});

/** As the page tells start images. */
function pictureHash({ width, height, rgb }: RgbPixels): string {
  return createHash('sha256').update(`${width} ${height}\n`).update(rgb).digest('hex');
}

describe('what the script cannot do', () => {
  const SITES = [{ name: 'mid_block.attentions.0.transformer_blocks.0.attn1', comfyName: 'm0' }];
  const warnings = (
    changes: Partial<RecipeSettings>,
    pag: Partial<PagOptions> = {},
    sites: Recipe['sites'] = SITES,
  ) => {
    const { script, warnings: all } = recipeToDiffusersScript(
      recipeOf({ ...SETTINGS, ...changes, pag: { ...PLAIN_PAG, ...pag } }, sites),
    );
    for (const warning of all) expect(script).toContain(`\n# ${warning}\n`);
    return all.slice(1); // the first, of PyTorch weights, is always there
  };

  it('is said, each thing by itself', () => {
    expect(warnings({})).toEqual([]);
    expect(warnings({}, { adaptive: { semantics: 'diffusers', amount: 0.1 }, guidanceRescale: 0.7 })).toEqual([]);
    for (const pag of [
      { adaptive: { semantics: 'pamparamm', amount: 0.1 } },
      { window: { semantics: 'forge', start: 0, stop: 0.5 } },
      { attenuation: 1 },
      { rescale: { mode: 'snf' } },
      { rescale: { mode: 'full', amount: 0.5 } },
      { identity: 0.5 },
      { siteIdentity: { x: 0.5 } },
    ] satisfies Partial<PagOptions>[]) {
      expect(warnings({}, pag)).toHaveLength(1);
      expect(warnings({ pagScale: 0 }, pag)).toEqual([]);
    }
    expect(warnings({}, {}, [])).toHaveLength(1);
  });

  it('is said of sigmas, for the classes that step on sigmas', () => {
    const without = (sigmas: RecipeSettings['sigmas']) =>
      (Object.keys(SCHEDULERS) as SchedulerId[]).filter((scheduler) =>
        warnings({ scheduler, sigmas }).some((text) => text.includes('sigmas')),
      );
    expect(without('model')).toEqual([]);
    expect(without('karras')).toEqual(['euler-a']);
    expect(without('sgm-uniform')).toEqual(['euler-a', 'dpmpp-sde', 'lms', 'unipc']);
    expect(warnings({ scheduler: 'dpmpp-sde' })).toHaveLength(1);
  });
});

test('a model that guides itself gets neither PAG nor a negative prompt, which its pipeline refuses', () => {
  const { script, warnings } = recipeToDiffusersScript({ ...recipeOf(SETTINGS, []), guidanceEmbedded: true });
  expect(script).not.toMatch(/enable_pag|pag_scale|negative_prompt/);
  expect(warnings.at(-1)).toContain('has no PAG');
});

test('of a start image it says where it belongs and what is left out, and LCM gets Stable Diffusion’s pipeline', () => {
  const settings = { ...SETTINGS, pag: { ...PLAIN_PAG, guidanceRescale: 0.7 } };
  const made = (own: Partial<Recipe>) =>
    recipeToDiffusersScript({ ...recipeOf(settings, []), start: 'a name', ...own });
  const { script, warnings } = made({});
  expect(script).not.toMatch(/guidance_rescale=|width=|hashlib/);
  expect(warnings).toContainEqual(expect.stringContaining('beside the script as start.png'));
  expect(warnings).toContainEqual(expect.stringContaining('guidance_rescale is left out'));
  expect(made({ sdxl: true }).script).toContain('guidance_rescale=0.7');
  const embedded = made({ guidanceEmbedded: true }).script;
  expect(embedded).toContain('pipe = StableDiffusionImg2ImgPipeline.from_pretrained(MODEL)');
  expect(embedded).not.toContain('AutoPipeline');
  const masked = made({ mask: 'another name' }).script;
  expect(masked).toContain('pipe = AutoPipelineForInpainting.from_pretrained(');
  expect(masked).toContain('image = Image.composite(image, start, mask)\n');
});

test('the revision is in the script', () => {
  expect(recipeToDiffusersScript(recipeOf(SETTINGS, [], 'owner/name', SMALL, 'abc"')).script).toContain(
    'from_pretrained(\n    MODEL,\n    revision="abc\\"",\n',
  );
});

test('one file of a repository is fetched, and its pipeline and schedule are written down', () => {
  const recipe = recipeOf({ ...SETTINGS, pagScale: 0 }, [], 'owner/name/some path/it.safetensors', SMALL, 'abc');
  const config = { prediction_type: 'v_prediction', rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
  const scriptOf = (own: Partial<Recipe>) =>
    recipeToDiffusersScript({ ...recipe, ...own, scheduler: config, model: { ...recipe.model, singleFile: true } })
      .script;
  const script = scriptOf({ sdxl: true });
  expect(script).toContain('from huggingface_hub import hf_hub_download\n');
  expect(script).toContain(
    'MODEL = hf_hub_download("owner/name", "some path/it.safetensors", revision="abc")\nSTEPS = 4\n\n' +
      'pipe = StableDiffusionXLPipeline.from_single_file(MODEL)\n',
  );
  expect(script).toContain(
    '    prediction_type="v_prediction",\n    rescale_betas_zero_snr=True,\n    timestep_spacing="trailing",\n',
  );
  expect(script).not.toContain('AutoPipeline');
  expect(scriptOf({})).toContain('pipe = StableDiffusionPipeline.from_single_file(MODEL)');
  expect(scriptOf({ guidanceEmbedded: true })).toContain('pipe = LatentConsistencyModelPipeline.from_single_file');
});

test('a VAE from a file takes the place of the model’s own, with the scale that goes with the UNet', () => {
  const recipe = recipeOf(SETTINGS, []);
  const { script, warnings } = recipeToDiffusersScript({ ...recipe, model: { ...recipe.model, vae: 'vae"ft' } });
  expect(script).toContain(
    'vae = AutoencoderKL.from_single_file("vae\\"ft.safetensors")\n' +
      'vae.register_to_config(scaling_factor=pipe.vae.config.scaling_factor)\npipe.vae = vae\n',
  );
  expect(warnings).toContain('The VAE is named by its file: put vae"ft.safetensors beside the script.');
});

test.each([
  ['plain', '"plain"'],
  ['a "b" \\ c', '"a \\"b\\" \\\\ c"'],
  ['é 赤 🍎', '"é 赤 🍎"'],
  ['\n\r\t\0', '"\\n\\u000d\\u0009\\u0000"'],
  ['\u202e\u2028\u200b\u00a0', '"\\u202e\\u2028\\u200b\\u00a0"'],
  ['\ud800 \u{e0001}', '"\\ud800 \\U000e0001"'],
])('%j is the Python literal %s', (text, literal) => {
  expect(pythonString(text)).toBe(literal);
});

test('LoRA are loaded by diffusers, each with its weight, and are no words', () => {
  const recipe = recipeOf({ ...SETTINGS, prompt: 'a cat <lora:it"s:0.5>' }, []);
  const loras = [
    { name: 'it"s', weight: 0.5, hash: null },
    { name: 'late', weight: -1, hash: null },
  ];
  const { script } = recipeToDiffusersScript({ ...recipe, loras });
  expect(script).toContain('pip install torch diffusers transformers accelerate peft\n');
  expect(script).toContain(
    'pipe.load_lora_weights(".", weight_name="it\\"s.safetensors", adapter_name="lora0")\n' +
      'pipe.load_lora_weights(".", weight_name="late.safetensors", adapter_name="lora1")\n' +
      'pipe.set_adapters(["lora0", "lora1"], [0.5, -1])\n',
  );
  expect(script).toContain('prompt="a cat",');
});

test('a UNet of another file is put into the pipeline, which has the rest from the model', () => {
  const recipe = recipeOf({ ...SETTINGS, pagScale: 0 }, [], 'own/base', SMALL, 'c0ffee');
  const withUnet: Recipe = { ...recipe, model: { ...recipe.model, unet: 'mine' } };
  const { script } = recipeToDiffusersScript(withUnet);
  expect(script).toContain('import AutoPipelineForText2Image, DDIMScheduler, UNet2DConditionModel\n');
  const call =
    'pipe.unet = UNet2DConditionModel.from_single_file(\n    "mine.safetensors",\n    config="unet_config",\n';
  expect(script).toContain(`pipe.unet.save_config("unet_config")\n${call})\n`);
  const ofLcm = recipeToDiffusersScript({ ...withUnet, guidanceEmbedded: true }).script;
  expect(ofLcm).toContain(`${call}    time_cond_proj_dim=256,\n)`);
});

test('embeddings are loaded by diffusers under their names, as which the prompts name them', () => {
  const recipe = recipeOf({ ...SETTINGS, prompt: 'a NEG cat', negativePrompt: 'Bad (v2), ugly' }, []);
  const { script } = recipeToDiffusersScript({ ...recipe, embeddings: ['neg', 'bad (v2)'] });
  expect(script).toContain('for name in ["neg", "bad (v2)"]:\n');
  expect(script).toContain('        pipe.load_textual_inversion(f"{name}.safetensors", token=name)\n');
  expect(script).toContain('    prompt="a neg cat",\n    negative_prompt="bad (v2), ugly",\n');
});

test('what the pipelines do not read is computed for them, and only that', () => {
  const read = (settings: Partial<RecipeSettings>, own: Partial<Recipe> = {}) => {
    const { script, warnings } = recipeToDiffusersScript({ ...recipeOf({ ...SETTINGS, ...settings }, []), ...own });
    const [, prompt] = /^(?: {4}prompt=|prompt = )(.*?),?$/m.exec(script) ?? [];
    return [prompt, ...warnings.filter((one) => /in two|noise is/.test(one))];
  };
  expect(read({ prompt: '(a) b' })).toEqual(['"(a) b"']);
  expect(read({ prompt: 'a b', emphasis: 'a1111' })).toEqual(['"a b"']);
  expect(read({ prompt: '((a:2)) [b] BREAK c', emphasis: 'a1111' })).toEqual([
    'encode([("a", 2.2), (" ", 1), ("b", 0.9090909090909091), None, ("c", 1)])'.replace(', None', ', ("", 1), None'),
  ]);
  expect(read({ prompt: 'a', emphasis: 'comfy' }, { chunks: 2, embeddings: ['a'] })).toEqual([
    'encode([("a", 1.0)])'.replace('1.0', '1'),
    expect.stringContaining('in two'),
  ]);
  expect(read({ noiseSource: 'gpu' })).toEqual([expect.any(String), expect.stringContaining('NVIDIA')]);
  const { script } = recipeToDiffusersScript(recipeOf({ ...SETTINGS, noiseSource: 'gpu' }, []));
  expect(script).toContain('torch.Generator("cuda").manual_seed(7)');
});
