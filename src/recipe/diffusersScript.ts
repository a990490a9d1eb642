// A recipe as a Python script for diffusers: a whole file that runs as it is. AutoPipelineForText2Image takes the
// pipeline that the repository names (Stable Diffusion's or SDXL's, with enable_pag their PAG pipelines), and
// `from_config` the model's own schedule, as Pagoda does. One file names no pipeline and no schedule: they are written
// down. What the pipelines cannot do stands in the script's head and in `warnings`.

import type { SigmaSpacing } from '../diffusion/options';
import { SCHEDULERS, configAsSet, type SchedulerId } from '../diffusion/schedulers';
import { splitAtNames } from '../models/embeddingWords';
import { embedsArguments, embedsLines, needsEmbeds } from './diffusersPrompt';
import { wordsOf } from './loraTags';
import { pythonList, pythonString } from './pythonText';
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
  const { vae, unet } = model;
  const embedded = recipe.guidanceEmbedded === true;
  const hasPag = settings.pagScale > 0 && !embedded;
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
    ...readingWarnings(recipe),
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
  const device = settings.noiseSource === 'gpu' ? 'cuda' : 'cpu';
  const generator = (seed: number | string) => `torch.Generator("${device}").manual_seed(${seed})`;
  const call = [
    ...(asEmbeds ? embedsArguments(recipe) : [`prompt=${pythonString(asLoaded(wordsOf(settings.prompt)))}`]),
    // That pipeline takes none, and this run read none.
    ...(settings.negativePrompt === '' || embedded || asEmbeds
      ? []
      : [`negative_prompt=${pythonString(asLoaded(settings.negativePrompt))}`]),
    `width=${size.width}`,
    `height=${size.height}`,
    `num_inference_steps=STEPS`,
    ...(isSgm ? ['timesteps=timesteps'] : []),
    `guidance_scale=${settings.guidanceScale}`,
    ...(hasPag ? [`pag_scale=${settings.pagScale}`] : []),
    ...(hasPag && adaptive.semantics === 'diffusers' && adaptive.amount > 0
      ? [`pag_adaptive_scale=${adaptive.amount}`]
      : []),
    ...(settings.pag.guidanceRescale > 0 ? [`guidance_rescale=${settings.pag.guidanceRescale}`] : []),
    ...(settings.clipSkip > 1 && !asEmbeds ? [`clip_skip=${settings.clipSkip - 1}`] : []),
    ...(seeds.length > 1
      ? ['num_images_per_prompt=len(SEEDS)', `generator=[${generator('seed')} for seed in SEEDS]`]
      : [`generator=${generator(settings.seed)}`]),
  ];
  const script = [
    '# A picture of Pagoda as a script for diffusers: pip install torch diffusers transformers ' +
      `accelerate${furtherPackages(recipe)}`,
    ...warnings.map((warning) => `# ${warning}`),
    '',
    ...(asEmbeds && !embedded ? ['import math', ''] : []),
    'import torch',
    ...imports(recipe, hasPag),
    '',
    `MODEL = ${modelOf(recipe)}`,
    `STEPS = ${settings.steps}`,
    ...(seeds.length > 1 ? [`SEEDS = [${seeds.join(', ')}]`] : []),
    '',
    ...loading(recipe, hasPag),
    ...(unet === undefined ? [] : withUnet(unet, embedded)),
    callOf(`pipe.scheduler = ${scheduler}.from_config`, ['pipe.scheduler.config', ...schedulerArguments(recipe)]),
    ...loraCalls(recipe),
    ...embeddingCalls(recipe),
    ...(vae === undefined ? [] : model.tinyVae ? withTinyVae(vae) : withVae(vae)),
    'pipe.to("cuda" if torch.cuda.is_available() else "cpu")',
    ...(isSgm ? sgmTimesteps(settings.scheduler) : []),
    ...(asEmbeds ? ['', ...embedsLines(recipe)] : []),
    ...(seeds.length > 1
      ? [
          `${callOf('images = pipe', call)}.images`,
          'for seed, image in zip(SEEDS, images):',
          '    image.save(f"pagoda-{seed}.png")',
        ]
      : [`${callOf('image = pipe', call)}.images[0]`, 'image.save("pagoda.png")']),
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

function imports(recipe: Recipe, hasPag: boolean): readonly string[] {
  const { singleFile, vae, tinyVae, unet, revision } = recipe.model;
  const names = [
    ...(vae === undefined ? [] : [tinyVae ? 'AutoencoderTiny' : 'AutoencoderKL']),
    ...(singleFile ? [pipelineOf(recipe)] : []),
    ...(hasPag || !singleFile ? ['AutoPipelineForText2Image'] : []),
    SCHEDULERS[recipe.settings.scheduler].diffusers.name,
    ...(unet === undefined ? [] : ['UNet2DConditionModel']),
  ];
  return [
    `from diffusers import ${names.sort().join(', ')}`,
    ...(singleFile && revision !== null ? ['from huggingface_hub import hf_hub_download'] : []),
    ...((vae !== undefined && tinyVae) || recipe.embeddings ? ['from safetensors.torch import load_file'] : []),
  ];
}

/** Of one file, which does not say it. */
function pipelineOf({ sdxl, guidanceEmbedded }: Recipe): string {
  if (guidanceEmbedded) return 'LatentConsistencyModelPipeline';
  return sdxl ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline';
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
  if (!singleFile) {
    const at = revision === null ? [] : [`revision=${pythonString(revision)}`];
    return [callOf('pipe = AutoPipelineForText2Image.from_pretrained', ['MODEL', ...at, ...pag])];
  }
  return [
    `pipe = ${pipelineOf(recipe)}.from_single_file(MODEL)`,
    ...(hasPag ? [callOf('pipe = AutoPipelineForText2Image.from_pipe', ['pipe', ...pag])] : []),
  ];
}

function loraCalls({ loras = [] }: Recipe): readonly string[] {
  if (loras.length === 0) return [];
  const load = loras.map(
    ({ name }, at) =>
      `pipe.load_lora_weights(".", weight_name=${pythonString(`${name}.safetensors`)}, adapter_name="lora${at}")`,
  );
  const names = loras.map((_, at) => `"lora${at}"`).join(', ');
  const weights = loras.map(({ weight }) => weight).join(', ');
  return [...load, `pipe.set_adapters([${names}], [${weights}])`];
}

/** Files of SDXL have vectors for each of the pipeline's text encoders. */
function embeddingCalls({ embeddings = [] }: Recipe): readonly string[] {
  if (embeddings.length === 0) return [];
  return [
    `for name in [${embeddings.map(pythonString).join(', ')}]:`,
    '    vectors = load_file(f"{name}.safetensors")',
    '    if "clip_g" in vectors:',
    '        pipe.load_textual_inversion(',
    '            vectors["clip_l"], token=name, text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer',
    '        )',
    '        pipe.load_textual_inversion(',
    '            vectors["clip_g"], token=name, text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2',
    '        )',
    '    else:',
    '        pipe.load_textual_inversion(f"{name}.safetensors", token=name)',
  ];
}

/** diffusers knows a token only as it was loaded. */
function withTokens(prompt: string, names: readonly string[]): string {
  return splitAtNames(prompt, names)
    .map((part) => (typeof part === 'string' ? part : part.name))
    .join('');
}

/** Its structure is that of the model's own, but for the input of one that guides itself. */
function withUnet(unet: string, embedded: boolean): readonly string[] {
  const call = [
    pythonString(`${unet}.safetensors`),
    'config="unet_config"',
    ...(embedded ? ['time_cond_proj_dim=256'] : []),
  ];
  return ['pipe.unet.save_config("unet_config")', callOf('pipe.unet = UNet2DConditionModel.from_single_file', call)];
}

/** The scale of latents goes with the UNet, which the file of a VAE does not say. */
function withVae(vae: string): readonly string[] {
  return [
    `vae = AutoencoderKL.from_single_file(${pythonString(`${vae}.safetensors`)})`,
    'vae.register_to_config(scaling_factor=pipe.vae.config.scaling_factor)',
    'pipe.vae = vae',
  ];
}

/** There is no `from_single_file` of it. The picture needs its decoder alone. */
function withTinyVae(vae: string): readonly string[] {
  return [
    'vae = AutoencoderTiny()',
    `vae.load_state_dict(load_file(${pythonString(`${vae}.safetensors`)}), strict=False)`,
    'pipe.vae = vae',
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

/** A call with one argument a line; a single one stays on the line. */
function callOf(name: string, lines: readonly string[]): string {
  if (lines.length === 1) return `${name}(${lines.join('')})`;
  return `${name}(\n${lines.map((line) => `    ${line},\n`).join('')})`;
}

/** Regular expressions that match one module each: diffusers searches for them in the names of all modules. */
function layerPatterns({ sites }: Recipe): readonly string[] {
  if (sites.length === 0) return ['^mid_block\\.'];
  return sites.map(({ name }) => `^${name.replace(/[^\w]/g, '\\$&')}$`);
}

function schedulerArguments({ settings, model, scheduler: own }: Recipe): readonly string[] {
  const { scheduler, sigmas, spacing, seed } = settings;
  const { diffusers } = SCHEDULERS[scheduler];
  const {
    prediction_type: predicts,
    timestep_spacing: timestepSpacing,
    rescale_betas_zero_snr: rescales,
  } = configAsSet((model.singleFile && own) || {}, { ...settings, ...(spacing === 'turbo' && { spacing: 'model' }) });
  const flags = ['karras', 'exponential', 'beta'] as const;
  const setsFlags =
    sigmas !== 'model' &&
    diffusers.hasSigmaFlags === true &&
    (sigmas !== 'sgm-uniform' || diffusers.takesTimesteps !== undefined);
  return [
    ...(diffusers.arguments ?? []),
    ...(predicts === undefined ? [] : [`prediction_type=${pythonString(predicts)}`]),
    ...(rescales === undefined ? [] : [`rescale_betas_zero_snr=${rescales ? 'True' : 'False'}`]),
    ...(timestepSpacing === undefined ? [] : [`timestep_spacing=${pythonString(timestepSpacing)}`]),
    // All of them: diffusers refuses two at once, and the model's config may have another.
    ...(setsFlags ? flags.map((flag) => `use_${flag}_sigmas=${flag === sigmas ? 'True' : 'False'}`) : []),
    ...(diffusers.ownNoise ? [`noise_sampler_seed=${seed}`] : []),
  ];
}

/** N timesteps of N + 1 even ones, without the last; some classes know whole ones alone. */
function sgmTimesteps(scheduler: SchedulerId): readonly string[] {
  const each = 'last * (1 - i / STEPS)';
  const isWhole = SCHEDULERS[scheduler].diffusers.takesTimesteps === 'whole';
  return [
    'last = pipe.scheduler.config.num_train_timesteps - 1',
    `timesteps = [${isWhole ? `round(${each})` : each} for i in range(STEPS)]`,
  ];
}

function scheduleWarnings(scheduler: SchedulerId, sigmas: SigmaSpacing): readonly string[] {
  const warnings: string[] = [];
  const { diffusers, onTrainTimesteps } = SCHEDULERS[scheduler];
  const canSpread = sigmas === 'sgm-uniform' ? diffusers.takesTimesteps !== undefined : diffusers.hasSigmaFlags;
  if (sigmas !== 'model' && !canSpread && !onTrainTimesteps) {
    warnings.push(`${diffusers.name} cannot spread sigmas as ${sigmas}: those of the model's config are taken.`);
  }
  if (diffusers.ownNoise)
    warnings.push(
      `${diffusers.name} draws the noise of its steps from a generator of its own: the picture is another one.`,
    );
  return warnings;
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
