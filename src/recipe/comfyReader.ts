// Settings from ComfyUI's API workflow, which its pictures carry under `prompt` and which Pagoda exports: node id →
// class and inputs. Links are followed back from the sampler; what stands in between and is not known is named.

import { PLAIN_PAG, type SigmaSpacing, type TimestepSpacing } from '../diffusion/options';
import { SCHEDULERS, SCHEDULER_IDS } from '../diffusion/schedulers';
import { readField, type RecipeSettings } from '../settings/fields';
import { asRecord } from '../settings/pagOptions';
import { advancedOptions } from './advancedPag';
import { readLatents, type ComfyNode } from './comfyLatents';
import { loraTag } from './loraTags';
import { refusal, type NotRestored, type RecipeLora, type Restored } from './recipe';

/** Nodes on the way from the sampler to a loader. */
const MOST_LINKS = 100;
const MOST_NODES = 5000;
const SAMPLERS: ReadonlySet<string> = new Set(['KSampler', 'KSamplerAdvanced', 'SamplerCustom']);

/** KSampler's schedules, by the noise levels that they are here with the schedule that SD 1, 2 and XL have. */
const SCHEDULES: Readonly<Record<string, readonly [SigmaSpacing, TimestepSpacing]>> = {
  normal: ['model', 'linspace'],
  simple: ['model', 'trailing'],
  ddim_uniform: ['model', 'leading'],
  sgm_uniform: ['sgm-uniform', 'model'],
  karras: ['karras', 'linspace'],
  exponential: ['exponential', 'linspace'],
};
const BY_NODE: Readonly<Record<string, string | undefined>> = {
  KarrasScheduler: 'karras',
  ExponentialScheduler: 'exponential',
};

/** null where there is no such workflow, or no sampler with settings in it. Throws nothing. */
export function parseComfyWorkflow(value: unknown): Restored | null {
  const entries = Object.entries(asRecord(value)).slice(0, MOST_NODES);
  const nodes = new Map(
    entries.map(([id, one]): [string, ComfyNode] => {
      const { class_type: type, inputs } = asRecord(one);
      return [id, { id, type: typeof type === 'string' ? type : '', inputs: asRecord(inputs) }];
    }),
  );
  const samplers = [...nodes.values()].filter(({ type }) => SAMPLERS.has(type));
  const [sampler] = samplers;
  if (!sampler) return null;
  const settings: { -readonly [K in keyof RecipeSettings]?: RecipeSettings[K] } = {
    emphasis: 'comfy',
    noiseSource: 'cpu',
    pagScale: 0,
    clipSkip: 1,
    negativePrompt: '',
  };
  const notRestored: NotRestored[] = [];
  const refuse = (name: string, given: unknown, why: string) => notRestored.push(refusal(name, given, why));
  const set = (name: keyof RecipeSettings, given: unknown) => {
    if (given === undefined) return;
    const { nearest, why, note } = readField(name, given);
    if (nearest !== null) Object.assign(settings, { [name]: nearest });
    if (why !== null || note !== null) refuse(name, given, note ?? why ?? '');
  };
  /** The node that an input is linked to, and what an input is worth where a node only holds it. */
  const linked = (input: unknown) => (Array.isArray(input) ? nodes.get(String(input[0])) : undefined);
  const worth = (input: unknown): unknown => {
    const node = linked(input);
    return node
      ? ['value', 'text', 'string', 'seed', 'noise_seed'].map((key) => node.inputs[key]).find(isPlain)
      : input;
  };
  /** From node to node by the input that has the same kind of thing. */
  const chain = (first: unknown, ...inputs: readonly string[]): ComfyNode[] => {
    const found: ComfyNode[] = [];
    for (let node = linked(first); node && found.length < MOST_LINKS && !found.includes(node); ) {
      found.push(node);
      node = inputs.map((name) => linked(node!.inputs[name])).find((next) => next !== undefined);
    }
    return found;
  };
  const text = (input: unknown): { readonly words: string; readonly clip: unknown } => {
    const way = chain(input, 'conditioning', 'conditioning_1', 'positive');
    const end = way.at(-1);
    for (const { type } of way.slice(0, -1)) refuse(type, '', 'Pagoda has no such node: it was left out.');
    const words = worth(end?.inputs['text'] ?? end?.inputs['text_g']);
    if (typeof words !== 'string') refuse('prompt', end?.type, 'No text was found there.');
    return { words: typeof words === 'string' ? words : '', clip: end?.inputs['clip'] };
  };

  if (samplers.length > 1) refuse(sampler.type, samplers.length, 'Of several samplers the first was taken.');
  const positive = text(sampler.inputs['positive']);
  set('prompt', positive.words);
  set('negativePrompt', text(sampler.inputs['negative']).words);
  set('seed', worth(sampler.inputs['seed'] ?? sampler.inputs['noise_seed']));
  set('guidanceScale', worth(sampler.inputs['cfg']));
  const saved = [...nodes.values()].find(({ type }) => /^(Save|Preview)Image$/.test(type));
  const began = readLatents(sampler, linked(saved?.inputs['images']), { linked, worth, chain, set, refuse });
  Object.assign(settings, began.settings);
  schedule();
  if (settings.seed === undefined && settings.steps === undefined) return null;

  const way = chain(sampler.inputs['model'], 'model');
  for (const node of way) modelNode(node);
  const clip = chain(positive.clip, 'clip');
  const skip = clip.find(({ type }) => type === 'CLIPSetLastLayer');
  if (skip) {
    const layer = worth(skip.inputs['stop_at_clip_layer']);
    set('clipSkip', typeof layer === 'number' ? -layer : layer);
    if ((settings.clipSkip ?? 1) > 1)
      refuse('CLIPSetLastLayer', layer, 'It was taken. Models of SD 2.x and SDXL count one less here.');
  }
  const loras = loraNodes([...way, ...clip]);
  settings.prompt = [settings.prompt ?? '', ...loras.map(({ name, weight }) => loraTag(name, weight))]
    .filter((part) => part !== '')
    .join(' ');
  const file = way.map(({ inputs }) => worth(inputs['ckpt_name'] ?? inputs['unet_name'])).find(isText);
  return {
    settings,
    model: file === undefined ? null : { id: stemOf(file).slice(0, 200), revision: null },
    loras,
    embeddings: [],
    ...(began.start !== undefined && { start: began.start }),
    ...(began.mask !== undefined && { mask: began.mask }),
    notRestored,
  };

  function schedule(): void {
    const { inputs } = sampler!;
    const [sigmas] = chain(inputs['sigmas'], 'sigmas').filter(({ type }) => type !== 'SplitSigmas');
    const name = worth(linked(inputs['sampler'])?.inputs['sampler_name'] ?? inputs['sampler_name']);
    const scheduler = SCHEDULER_IDS.find((id) => SCHEDULERS[id].comfy === name);
    if (scheduler) settings.scheduler = scheduler;
    else refuse('sampler_name', name, 'Pagoda has no sampler of this name.');
    if (scheduler && SCHEDULERS[scheduler].drawsNoise)
      refuse(
        'sampler_name',
        name,
        'It was taken. ComfyUI draws the noise of its steps from a second generator: ' +
          'the picture begins alike and becomes another one.',
      );
    const levels =
      sigmas && sigmas.type !== 'BasicScheduler'
        ? BY_NODE[sigmas.type]
        : worth((sigmas ?? sampler!).inputs['scheduler']);
    const known = typeof levels === 'string' && Object.hasOwn(SCHEDULES, levels) ? SCHEDULES[levels] : undefined;
    if (known) [settings.sigmas, settings.spacing] = known;
    else if (sigmas?.type === 'SDTurboScheduler') [settings.sigmas, settings.spacing] = ['model', 'turbo'];
    else if (scheduler !== 'lcm') refuse('scheduler', levels ?? sigmas?.type, 'Pagoda has no sigmas of this name.');
  }

  function modelNode({ type, inputs }: ComfyNode): void {
    if (type === 'PerturbedAttentionGuidance' || type === 'PerturbedAttention') {
      set('pagScale', worth(inputs['scale']));
      settings.layers = 'mid';
      settings.pag = PLAIN_PAG;
      if (type === 'PerturbedAttention') perturbed(inputs);
    } else if (type === 'ModelSamplingDiscrete') {
      const sampling = worth(inputs['sampling']);
      if (sampling === 'v_prediction' || sampling === 'eps')
        settings.prediction = sampling === 'eps' ? 'epsilon' : 'v_prediction';
      if (worth(inputs['zsnr']) === true) settings.terminalSnr = 'zero';
    } else if (!/^(CheckpointLoader|UNETLoader|LoraLoader)/.test(type))
      refuse(type, '', 'Pagoda has no such node: it was left out.');
  }

  function perturbed(inputs: Record<string, unknown>): void {
    const numberOf = (key: string) => Number(worth(inputs[key]) ?? 0);
    const options = advancedOptions({
      adaptive: numberOf('adaptive_scale'),
      start: Number(worth(inputs['sigma_start']) ?? -1),
      stop: Number(worth(inputs['sigma_end']) ?? -1),
      amount: numberOf('rescale'),
      mode: worth(inputs['rescale_mode']) ?? 'full',
    });
    set('pag', { ...PLAIN_PAG, ...options });
    const list = worth(inputs['unet_block_list']);
    if (isText(list) && list !== '') set('layers', list);
    else if (worth(inputs['unet_block']) !== 'middle')
      refuse(
        'unet_block',
        inputs['unet_block'],
        'A block number counts all blocks of one U-Net; choose the layers by name.',
      );
  }

  function loraNodes(found: readonly ComfyNode[]): RecipeLora[] {
    const named = new Map<string, RecipeLora>();
    for (const { type, inputs } of found.filter(({ type }) => type.startsWith('LoraLoader')).reverse()) {
      const [file, weight] = [worth(inputs['lora_name']), worth(inputs['strength_model'])];
      const name = isText(file) ? stemOf(file) : '';
      if (!/^[^<>\n:]{1,200}$/.test(name) || typeof weight !== 'number') {
        refuse(type, file, 'It has no name or weight that Pagoda can take.');
        continue;
      }
      if (isPlain(inputs['strength_clip']) && inputs['strength_clip'] !== weight)
        refuse(type, name, `Of its two weights the UNet’s, ${weight}, is taken for both.`);
      named.set(name, { name, weight, hash: null });
    }
    return [...named.values()];
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Of a file that may lie in folders, as the system writes these. */
function stemOf(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? path).replace(/\.(safetensors|ckpt|pt|bin)$/i, '');
}
