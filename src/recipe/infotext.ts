// What A1111's infotext says (./infotextParts), as settings. PAG is in it under three sets of names:
//   pag_*    the advanced script for Forge (sd-perturbed-attention), with layers, adaptive scale, sigmas and rescale
//   pagi_*   Forge's built-in one: the mid block, attenuation, and a window in fractions of the run
//   PAG …    incantations: the first layer of the mid block, a window in steps

import type { PagOptions } from '../diffusion/options';
import { FIELDS, readField, type RecipeSettings } from '../settings/fields';
import { isInRange, rangeText, type NumberRule } from '../settings/numbers';
import { PAG_RULES } from '../settings/pagOptions';
import { readStart } from './a1111Start';
import { advancedOptions } from './advancedPag';
import { refusal, type NotRestored, type Restored } from './recipe';
import { infotextParts } from './infotextParts';
import { takeLoraTags } from './loraTags';
import { isA1111, type Emphasis } from '../prompt/pieces';
import { SCHEDULERS } from '../diffusion/schedulers';
import { promptSyntax } from './promptSyntax';
import { a1111Sampler } from './samplers';
import { unescapeFromA1111 } from './weighedText';

/** What the keys of the three sets mean; the rest of PAG's options are the paper's. */
const ADVANCED = {
  scale: 'pag_scale',
  adaptive: 'pag_adaptive_scale',
  rescale: 'pag_rescale',
  mode: 'pag_rescale_mode',
  block: 'pag_block',
  blockId: 'pag_block_id',
  list: 'pag_block_list',
  start: 'pag_sigma_start',
  stop: 'pag_sigma_end',
};

/** Settings from an infotext. Throws nothing; what Pagoda cannot do is in `notRestored`. */
export function parseInfotext(text: string, plain: PagOptions): Restored {
  const { prompt, negativePrompt, pairs, stray } = infotextParts(text);
  const isOwn = pairs.get('Version')?.startsWith('Pagoda ') ?? false;
  const settings: { -readonly [K in keyof RecipeSettings]?: RecipeSettings[K] } = {};
  const notRestored: NotRestored[] = [];
  const refuse = (name: string, why: string) => notRestored.push(refusal(name, pairs.get(name), why));
  const used = new Set<string>();
  const take = (key: string) => {
    used.add(key);
    return pairs.get(key);
  };
  const isComfy = pairs.get('Version')?.toLowerCase() === 'comfyui';
  settings.emphasis = emphasis();
  for (const [key, written] of [
    ['prompt', prompt],
    ['negativePrompt', negativePrompt],
  ] as const) {
    const words = isOwn && settings.emphasis === 'plain' ? unescapeFromA1111(written) : written;
    const { nearest, note } = readField(key, words);
    settings[key] = nearest ?? '';
    if (note !== null) notRestored.push(refusal(key, words.slice(settings[key].length), note));
  }
  const number = (key: string, rule: NumberRule): number | null => {
    const written = take(key);
    if (written === undefined) return null;
    const value = written === '' ? NaN : Number(written);
    if (isInRange(value, rule)) return value;
    refuse(key, rangeText(rule));
    return null;
  };
  for (const [key, field] of [
    ['Steps', 'steps'],
    ['Seed', 'seed'],
    ['CFG scale', 'guidanceScale'],
    ['Clip skip', 'clipSkip'],
  ] as const) {
    const value = number(key, FIELDS[field]);
    if (value !== null) settings[field] = value;
  }

  const size = take('Size');
  const [width = NaN, height = NaN] = (/^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? []).slice(1).map(Number);
  const isSize = (edge: number) => edge > 0 && isInRange(edge, FIELDS.width);
  if (isSize(width) && isSize(height)) Object.assign(settings, { width, height });
  else if (size !== undefined) refuse('Size', `Two whole numbers from 1 to ${FIELDS.width.max} are needed.`);

  // Each picture of a batch has its own seed, and is what a run of that makes.
  if (settings.seed !== undefined) for (const key of ['Batch size', 'Batch pos']) take(key);

  // Left out where it is 1.
  if (pairs.size > 0) settings.clipSkip ??= 1;
  if ((settings.clipSkip ?? 1) > 1 && !isOwn)
    refuse(
      'Clip skip',
      'It was taken. With a model of SDXL or Stable Diffusion 2.x A1111 ignores the number: set it to 1 there.',
    );

  const [sampler, schedule] = [take('Sampler'), take('Schedule type')];
  const resolved = a1111Sampler(sampler, schedule);
  if (resolved.scheduler) settings.scheduler = resolved.scheduler;
  else if (sampler !== undefined) refuse('Sampler', 'Pagoda has no sampler of this name.');
  if (resolved.sigmas) settings.sigmas = resolved.sigmas;
  else if (resolved.sigmas === null)
    notRestored.push(refusal('Schedule type', schedule ?? sampler, 'Pagoda has no sigmas of this name.'));
  if (schedule?.toLowerCase() === 'uniform' && !isOwn)
    refuse(
      'Schedule type',
      "The noise levels that the model says were taken: those of A1111's Uniform are spread a little differently.",
    );

  const began = readStart({
    take,
    number,
    refuse,
    isOwn,
    isHires: [...pairs.keys()].some((key) => key.startsWith('Hires ')),
    steps: settings.steps,
    scheduler: settings.scheduler,
  });
  Object.assign(settings, began.settings);

  const isOn = (key: string) => !['', 'false'].includes((take(key) ?? '').toLowerCase());
  if (isOn('pag_enabled')) advanced();
  else if (isOn('pagi_enabled')) builtIn();
  else if (isOn('PAG Active')) incantations();
  else if (pairs.has('CFG true')) sdNext();
  else settings.pagScale = 0;

  /** Pagoda's own texts say what was read otherwise than as words; A1111's only what is not usual. */
  function emphasis(): Emphasis {
    const said = take('Emphasis');
    if (said === 'Original') return 'a1111';
    if (said === 'No norm') return 'a1111-no-norm';
    if (said === 'None' || (isOwn && said === undefined)) return 'plain';
    if (said === 'Ignore') refuse('Emphasis', 'Weights were left out there; here they count.');
    else if (said !== undefined) refuse('Emphasis', 'Pagoda has none of this name: A1111’s usual one is taken.');
    return isComfy ? 'comfy' : 'a1111';
  }

  function advanced(): void {
    settings.pagScale = number(ADVANCED.scale, FIELDS.pagScale) ?? 3;
    const amount = number(ADVANCED.rescale, PAG_RULES.fraction) ?? 0;
    const mode = take(ADVANCED.mode) ?? 'full';
    const [start, stop] = [number(ADVANCED.start, PAG_RULES.sigma) ?? -1, number(ADVANCED.stop, PAG_RULES.sigma) ?? -1];
    if (mode !== 'full' && mode !== 'partial' && mode !== 'snf')
      refuse(ADVANCED.mode, 'It is not full, partial or snf.');
    const adaptive = number(ADVANCED.adaptive, PAG_RULES.adaptive) ?? 0;
    settings.pag = { ...plain, ...advancedOptions({ adaptive, start, stop, amount, mode }) };
    const [list, block, id] = [take(ADVANCED.list), take(ADVANCED.block) ?? 'middle', take(ADVANCED.blockId) ?? '0'];
    if (list !== undefined && list !== '') settings.layers = list.slice(0, FIELDS.layers.letters);
    else if (block === 'middle' && id === '0') settings.layers = 'mid';
    else refuse(ADVANCED.block, 'A block number counts all blocks of one U-Net; choose the layers by name.');
  }

  function builtIn(): void {
    settings.pagScale = number('pagi_scale', FIELDS.pagScale) ?? 3;
    settings.layers = 'mid';
    const [start, stop] = [
      number('pagi_start_step', PAG_RULES.fraction) ?? 0,
      number('pagi_end_step', PAG_RULES.fraction) ?? 1,
    ];
    settings.pag = {
      ...plain,
      attenuation: number('pagi_attenuation', PAG_RULES.attenuation) ?? 0,
      window: start === 0 && stop === 1 ? { semantics: 'always' } : { semantics: 'forge', start, stop },
    };
  }

  function incantations(): void {
    settings.pagScale = number('PAG Scale', FIELDS.pagScale) ?? 0;
    // The middle block; of SDXL its first layer alone.
    settings.layers = 'm0.0';
    const [start, stop] = [
      number('PAG Start Step', PAG_RULES.step) ?? 0,
      number('PAG End Step', PAG_RULES.step) ?? 150,
    ];
    const last = (settings.steps ?? 20) - 1;
    const isWholeRun = start === 0 && stop >= last;
    settings.pag = {
      ...plain,
      window: isWholeRun ? { semantics: 'always' } : { semantics: 'steps', start, stop },
      rescale: take('PAG SANF') === 'True' ? { mode: 'snf' } : { mode: 'off' },
    };
  }

  function sdNext(): void {
    for (const key of ['CFG true', 'CFG adaptive'])
      if (take(key) !== undefined)
        refuse(key, "It is the scale of PAG in SD.Next, at layers of its own: set PAG's scale and layers by hand.");
  }

  const model = take('Model');
  const hashes = loraHashes(take('Lora hashes') ?? '');
  const loras = takeLoraTags(settings.prompt ?? '').tags.map(({ name, weight }) => ({
    name,
    weight,
    hash: hashes.get(name) ?? null,
  }));
  take('Version');
  // Without a word A1111's noise is the GPU's, and NV is the same in software; ComfyUI's is the CPU's.
  const rng = take('RNG')?.toUpperCase();
  if (rng !== undefined && !['CPU', 'GPU', 'NV'].includes(rng))
    refuse('RNG', 'Pagoda has the noise of CPUs and of NVIDIA’s GPUs: the picture is another one.');
  else if (rng !== undefined || settings.seed !== undefined)
    settings.noiseSource = rng === 'CPU' || (rng === undefined && isComfy) ? 'cpu' : 'gpu';
  if (settings.scheduler !== undefined && SCHEDULERS[settings.scheduler].a1111?.brownian)
    refuse(
      'Sampler',
      'It was taken. A1111 draws the noise of its steps from a Brownian tree, which is not here: ' +
        'the picture begins alike and becomes another one.',
    );
  if (!isOwn && isA1111(settings.emphasis)) notRestored.push(...promptSyntax(prompt, negativePrompt));
  for (const key of pairs.keys()) {
    if (!used.has(key)) refuse(key, WHY_NOT[key] ?? 'Pagoda has no such setting.');
  }
  if (stray.length > 0) notRestored.push(refusal('Text among the settings', stray.join(', '), 'It has no name.'));
  return {
    settings,
    model: model ? { id: model.slice(0, 200), revision: null } : null,
    loras,
    embeddings: [],
    ...(began.start !== undefined && { start: began.start }),
    ...(began.mask !== undefined && { mask: began.mask }),
    notRestored,
  };
}

const WHY_NOT: Readonly<Record<string, string>> = {
  'Init image hash': 'A1111 counts it otherwise: choose the image itself.',
  VAE: 'Open its file as a checkpoint, and use it with the model.',
  'TI hashes': 'Add the files of these embeddings under Embeddings: their names in the prompts then count.',
};

/** `name: 12 digits, …`. */
function loraHashes(written: string): ReadonlyMap<string, string> {
  const pairs = written.split(',').map((pair) => /^\s*(.{1,200}?)\s*:\s*([0-9a-f]{12})\s*$/i.exec(pair));
  return new Map(pairs.flatMap((pair) => (pair ? [[pair[1]!, pair[2]!.toLowerCase()] as const] : [])));
}
