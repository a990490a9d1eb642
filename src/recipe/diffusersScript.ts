// A recipe as a Python script for diffusers: a whole file that runs as it is. AutoPipelineForText2Image, or its kin for
// a start image, takes the pipeline that the repository names (Stable Diffusion's or SDXL's, with enable_pag their PAG
// pipelines), and `from_config` the model's own schedule, as Pagoda does. One file names no pipeline and no schedule:
// they are written down. What the pipelines cannot do stands in the script's head and in `warnings`.

import { SCHEDULERS } from '../diffusion/schedulers';
import { changedWarnings } from './changedOnTheWay';
import { embeddingCalls, loraCalls, withTinyVae, withTokens, withUnet, withVae } from './diffusersFiles';
import { embedsArguments, embedsLines, needsEmbeds } from './diffusersPrompt';
import { scheduleWarnings, schedulerArguments, sgmTimesteps } from './diffusersSchedule';
import {
  finishLines,
  startArguments,
  startImports,
  startLines,
  startModules,
  startWarnings,
  taskOf,
} from './diffusersStart';
import { wordsOf } from './loraTags';
import { pythonCall, pythonList, pythonString } from './pythonText';
import { imageSeed } from '../settings/seeds';
import type { Recipe } from './recipe';
import { promptInWords } from './weighedText';

export interface ScriptExport {
  readonly script: string;
  readonly warnings: readonly string[];
}

/** @returns the script, ending in a line break, and sentences for people. */
export function recipeToDiffusersScript(recipe: Recipe): ScriptExport {
  const { settings, size, model } = recipe;
  const { vae, tinyVae, unet } = model;
  const embedded = recipe.guidanceEmbedded === true;
  const hasPag = settings.pagScale > 0 && !embedded;
  const hasStart = recipe.start !== undefined;
  const warnings = [
    model.singleFile
      ? 'diffusers takes what one file does not hold, such as the tokenizer, ' +
        'from the repository of its kind on the hub.'
      : 'diffusers needs PyTorch weights: where MODEL has ONNX files alone, ' +
        'name the repository that they were exported from.',
    ...(vae === undefined ? [] : [`The VAE is named by its file: put ${vae}.safetensors beside the script.`]),
    ...(unet === undefined ? [] : [`The UNet is named by its file: put ${unet}.safetensors beside the script.`]),
    ...(recipe.loras ? ['LoRA are named by their files: put these beside the script.'] : []),
    ...(recipe.embeddings ? ['Embeddings are named by their files: put these beside the script.'] : []),
    ...(hasPag ? pagWarnings(recipe) : []),
    ...(embedded && settings.pagScale > 0
      ? ['The pipeline of models that guide themselves (LCM) has no PAG: it is left out.']
      : []),
    ...(hasStart ? startWarnings(recipe) : []),
    ...readingWarnings(recipe),
    ...changedWarnings(settings, 'diffusers').map((sentence) => sentence.replaceAll('\n', ' ')),
    ...scheduleWarnings(settings.scheduler, settings.sigmas),
    ...(settings.spacing === 'turbo' ? ['diffusers has no turbo spacing: the model’s own is used.'] : []),
  ];
  const { diffusers } = SCHEDULERS[settings.scheduler];
  const scheduler = diffusers.name;
  const isSgm = settings.sigmas === 'sgm-uniform' && diffusers.takesTimesteps !== undefined;
  const { adaptive } = settings.pag;
  const asLoaded = (prompt: string) => withTokens(promptInWords(prompt, settings.emphasis), recipe.embeddings ?? []);
  const asEmbeds = needsEmbeds(recipe);
  const seeds = seedsOf(recipe);
  // The pipelines sample the encodings of all images with the first generator, where there is a mask.
  const oneByOne = seeds.length > 1 && recipe.mask !== undefined;
  const device = settings.noiseSource === 'gpu' ? 'cuda' : 'cpu';
  const generator = (seed: number | string) => `torch.Generator("${device}").manual_seed(${seed})`;
  const call = [
    ...(asEmbeds ? embedsArguments(recipe) : [`prompt=${pythonString(asLoaded(wordsOf(settings.prompt)))}`]),
    // That pipeline takes none, and this run read none.
    ...(settings.negativePrompt === '' || embedded || asEmbeds
      ? []
      : [`negative_prompt=${pythonString(asLoaded(settings.negativePrompt))}`]),
    ...(hasStart ? startArguments(recipe) : [`width=${size.width}`, `height=${size.height}`]),
    `num_inference_steps=STEPS`,
    ...(isSgm ? ['timesteps=timesteps'] : []),
    `guidance_scale=${settings.guidanceScale}`,
    ...(hasPag ? [`pag_scale=${settings.pagScale}`] : []),
    ...(hasPag && adaptive.semantics === 'diffusers' && adaptive.amount > 0
      ? [`pag_adaptive_scale=${adaptive.amount}`]
      : []),
    ...(settings.pag.guidanceRescale > 0 && (!hasStart || recipe.sdxl)
      ? [`guidance_rescale=${settings.pag.guidanceRescale}`]
      : []),
    ...(settings.clipSkip > 1 && !asEmbeds ? [`clip_skip=${settings.clipSkip - 1}`] : []),
    ...(oneByOne
      ? [`generator=${generator('seed')}`]
      : seeds.length > 1
        ? ['num_images_per_prompt=len(SEEDS)', `generator=[${generator('seed')} for seed in SEEDS]`]
        : [`generator=${generator(settings.seed)}`]),
  ];
  const made = [`${pythonCall('image = pipe', call)}.images[0]`, ...finishLines(recipe)];
  const script = [
    '# A picture of Pagoda as a script for diffusers: pip install torch diffusers transformers ' +
      `accelerate${furtherPackages(recipe)}`,
    ...warnings.map((warning) => `# ${warning}`),
    '',
    ...standardImports(recipe, asEmbeds && !embedded),
    'import torch',
    ...imports(recipe, hasPag),
    '',
    `MODEL = ${modelOf(recipe)}`,
    `STEPS = ${settings.steps}`,
    ...(seeds.length > 1 ? [`SEEDS = [${seeds.join(', ')}]`] : []),
    '',
    ...loading(recipe, hasPag),
    ...(unet === undefined ? [] : withUnet(unet, embedded)),
    pythonCall(`pipe.scheduler = ${scheduler}.from_config`, ['pipe.scheduler.config', ...schedulerArguments(recipe)]),
    ...loraCalls(recipe),
    ...embeddingCalls(recipe),
    ...(vae === undefined || tinyVae ? [] : withVae(vae)),
    ...(vae !== undefined && tinyVae && !hasStart ? withTinyVae(vae, false) : []),
    'pipe.to("cuda" if torch.cuda.is_available() else "cpu")',
    ...(vae !== undefined && tinyVae && hasStart ? withTinyVae(vae, true) : []),
    ...(isSgm ? sgmTimesteps(settings.scheduler) : []),
    ...(asEmbeds ? ['', ...embedsLines(recipe)] : []),
    ...(hasStart ? ['', ...startLines(recipe)] : []),
    ...(oneByOne
      ? ['for seed in SEEDS:', ...indented([...made, 'image.save(f"pagoda-{seed}.png")'])]
      : seeds.length > 1
        ? [
            `${pythonCall('images = pipe', call)}.images`,
            'for seed, image in zip(SEEDS, images):',
            '    image.save(f"pagoda-{seed}.png")',
          ]
        : [...made, 'image.save("pagoda.png")']),
    '',
  ].join('\n');
  return { script, warnings };
}

/** What the script does not read as this run did, or needs. */
function readingWarnings(recipe: Recipe): readonly string[] {
  const { emphasis, noiseSource } = recipe.settings;
  return [
    ...(recipe.isCut && emphasis !== 'plain'
      ? ['The script reads the end of the prompt too, which was too long for this run: the picture is another one.']
      : []),
    ...(recipe.embeddings && emphasis !== 'plain' && (recipe.chunks ?? 1) > 1
      ? ['An embedding at the end of a chunk is cut in two here, where this run moved it whole into the next one.']
      : []),
    ...(noiseSource === 'gpu' ? ['The noise is a GPU’s: this needs one of NVIDIA, to which PyTorch says cuda.'] : []),
  ];
}

/** Of all images of its run: its own is among them. */
function seedsOf({ settings: { seed }, batch = { size: 1, position: 0 } }: Recipe): readonly number[] {
  return Array.from({ length: batch.size }, (_, image) => imageSeed(seed, image - batch.position));
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split('\n')).map((line) => `    ${line}`);
}

function standardImports(recipe: Recipe, needsMath: boolean): readonly string[] {
  const modules = [...startModules(recipe), ...(needsMath ? ['math'] : [])];
  return modules.length === 0 ? [] : [...modules.map((name) => `import ${name}`), ''];
}

function imports(recipe: Recipe, hasPag: boolean): readonly string[] {
  const { vae, tinyVae, unet, singleFile, revision } = recipe.model;
  const names = [
    ...(vae === undefined ? [] : [tinyVae ? 'AutoencoderTiny' : 'AutoencoderKL']),
    ...(isNamed(recipe) ? [pipelineOf(recipe)] : []),
    ...(hasPag || !isNamed(recipe) ? [autoPipelineOf(recipe)] : []),
    SCHEDULERS[recipe.settings.scheduler].diffusers.name,
    ...(unet === undefined ? [] : ['UNet2DConditionModel']),
  ];
  return [
    `from diffusers import ${names.sort().join(', ')}`,
    ...(recipe.start === undefined ? [] : startImports(recipe)),
    ...(singleFile && revision !== null ? ['from huggingface_hub import hf_hub_download'] : []),
    ...((vae !== undefined && tinyVae) || recipe.embeddings ? ['from safetensors.torch import load_file'] : []),
  ];
}

/**
 * Whether the script names the pipeline: one file does not say it; and of a start image a model that guides itself has
 * one of its own, which spreads its steps otherwise. Stable Diffusion's takes such a model too.
 */
function isNamed({ model, guidanceEmbedded, start }: Recipe): boolean {
  return model.singleFile === true || (guidanceEmbedded === true && start !== undefined);
}

function pipelineOf(recipe: Recipe): string {
  const task = taskOf(recipe);
  if (recipe.guidanceEmbedded && task === null) return 'LatentConsistencyModelPipeline';
  return `StableDiffusion${recipe.sdxl ? 'XL' : ''}${task ?? ''}Pipeline`;
}

const AUTO_PIPELINES = {
  Text2Img: 'AutoPipelineForText2Image',
  Img2Img: 'AutoPipelineForImage2Image',
  Inpaint: 'AutoPipelineForInpainting',
} as const;

function autoPipelineOf(recipe: Recipe): string {
  return AUTO_PIPELINES[taskOf(recipe) ?? 'Text2Img'];
}

/** `from_single_file` would look for its configs at the revision that it is given. */
function modelOf({ model: { id, revision, singleFile } }: Recipe): string {
  if (!singleFile) return pythonString(id);
  if (revision === null) return pythonString(`${id}.safetensors`);
  const [owner = '', name = '', ...path] = id.split('/');
  const file = [`${owner}/${name}`, path.join('/')].map(pythonString).join(', ');
  return `hf_hub_download(${file}, revision=${pythonString(revision)})`;
}

function loading(recipe: Recipe, hasPag: boolean): readonly string[] {
  const { singleFile, revision } = recipe.model;
  const pag = hasPag ? ['enable_pag=True', `pag_applied_layers=${pythonList(layerPatterns(recipe))}`] : [];
  const auto = autoPipelineOf(recipe);
  if (!singleFile) {
    const at = revision === null ? [] : [`revision=${pythonString(revision)}`];
    const pipeline = isNamed(recipe) ? pipelineOf(recipe) : auto;
    return [pythonCall(`pipe = ${pipeline}.from_pretrained`, ['MODEL', ...at, ...pag])];
  }
  return [
    `pipe = ${pipelineOf(recipe)}.from_single_file(MODEL)`,
    ...(hasPag ? [pythonCall(`pipe = ${auto}.from_pipe`, ['pipe', ...pag])] : []),
  ];
}

/** Of which diffusers imports only when they are needed, each after a space. */
function furtherPackages({ settings: { scheduler, sigmas }, loras = [] }: Recipe): string {
  const packages = new Set([
    ...(sigmas === 'beta' ? ['scipy'] : []),
    ...(loras.length > 0 ? ['peft'] : []),
    ...(SCHEDULERS[scheduler].diffusers.packages ?? []),
  ]);
  return [...packages].map((name) => ` ${name}`).join('');
}

/** Regular expressions that match one module each: diffusers searches for them in the names of all modules. */
function layerPatterns({ sites }: Recipe): readonly string[] {
  if (sites.length === 0) return ['^mid_block\\.'];
  return sites.map(({ name }) => `^${name.replace(/[^\w]/g, '\\$&')}$`);
}

function pagWarnings({ settings: { pag }, sites }: Recipe): readonly string[] {
  const { adaptive, window, rescale, attenuation, identity, siteIdentity } = pag;
  const warnings: string[] = [];
  if (sites.length === 0) warnings.push('The layers of this recipe are not known: PAG is at the middle block.');
  if (adaptive.semantics === 'pamparamm' && adaptive.amount > 0)
    warnings.push("The adaptive scale of ComfyUI's advanced node is left out: pag_adaptive_scale is another formula.");
  if (window.semantics !== 'always') warnings.push("The window is left out: the pipeline's PAG runs in every step.");
  if (attenuation > 0) warnings.push('Attenuation is left out.');
  if (rescale.mode === 'snf') warnings.push('SNF is left out.');
  if (rescale.mode === 'full' || rescale.mode === 'partial')
    warnings.push('The rescale of the PAG term is left out: guidance_rescale is another formula.');
  if (identity !== 1 || Object.keys(siteIdentity).length > 0)
    warnings.push('The partial perturbation is left out: it is whole.');
  return warnings;
}
