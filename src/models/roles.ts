// Which file of a model plays which role. Diffusers-style folders are the rule; a catalogue entry may name other
// paths for single roles. A network is an ONNX graph, or the .safetensors files that a graph is built of (or their
// index). Weights that an ONNX graph keeps outside itself lie in the graph's folder under names
// that only the graph knows ("model.onnx_data", "weights.pb", one file a tensor): all that could be one are taken.

import { isWeights, weightsOf } from './weightFiles';

export const ROLES = [
  'modelIndex',
  'scheduler',
  'tokenizer',
  'vocab',
  'merges',
  'tokenizerConfig',
  'specialTokens',
  'tokenizer2',
  'vocab2',
  'merges2',
  'tokenizerConfig2',
  'specialTokens2',
  'textEncoder',
  'textEncoderConfig',
  'textEncoder2',
  'textEncoderConfig2',
  'unet',
  'unetConfig',
  'vaeDecoder',
  'vaeEncoder',
  'vaeConfig',
  'checkpoint',
  'unetAlone',
] as const;

export type Role = (typeof ROLES)[number];

/** Paths by role, relative to the model's folder; an absent role is a file that the model does not have. */
export type RolePaths = Readonly<Partial<Record<Role, string>>>;

/** Those without which no picture can be made. */
export const GRAPHS = ['textEncoder', 'textEncoder2', 'unet', 'vaeDecoder'] as const satisfies readonly Role[];

/** Where diffusers, Optimum and onnxruntime put each role, the usual place first. */
const PLACES: Readonly<Record<Role, readonly string[]>> = {
  modelIndex: ['model_index.json'],
  scheduler: ['scheduler/scheduler_config.json'],
  tokenizer: ['tokenizer/tokenizer.json', 'tokenizer.json'],
  vocab: ['tokenizer/vocab.json'],
  merges: ['tokenizer/merges.txt'],
  tokenizerConfig: ['tokenizer/tokenizer_config.json', 'tokenizer_config.json'],
  specialTokens: ['tokenizer/special_tokens_map.json'],
  tokenizer2: ['tokenizer_2/tokenizer.json'],
  vocab2: ['tokenizer_2/vocab.json'],
  merges2: ['tokenizer_2/merges.txt'],
  tokenizerConfig2: ['tokenizer_2/tokenizer_config.json'],
  specialTokens2: ['tokenizer_2/special_tokens_map.json'],
  textEncoder: ['text_encoder/model.onnx', 'text_encoder/model_fp16.onnx'],
  textEncoderConfig: ['text_encoder/config.json'],
  textEncoder2: ['text_encoder_2/model.onnx', 'text_encoder_2/model_fp16.onnx'],
  textEncoderConfig2: ['text_encoder_2/config.json'],
  unet: ['unet/model.onnx', 'unet/model_fp16.onnx'],
  unetConfig: ['unet/config.json'],
  vaeDecoder: ['vae_decoder/model.onnx', 'vae_decoder/model_fp16.onnx'],
  vaeEncoder: ['vae_encoder/model.onnx', 'vae_encoder/model_fp16.onnx'],
  vaeConfig: ['vae_decoder/config.json', 'vae/config.json'],
  // One file with a whole model in it, which is all that there is then.
  checkpoint: [],
  // The same of a UNet, which runs with the rest of another model.
  unetAlone: [],
};

export type Graph = (typeof GRAPHS)[number];

/** Folder and stem of the same networks' .safetensors files. */
const WEIGHTS: Readonly<Record<Graph, readonly [folder: string, stem: string]>> = {
  textEncoder: ['text_encoder/', 'model'],
  textEncoder2: ['text_encoder_2/', 'model'],
  unet: ['unet/', 'diffusion_pytorch_model'],
  vaeDecoder: ['vae/', 'diffusion_pytorch_model'],
};

const FIRST: readonly Role[] = [
  'modelIndex',
  'scheduler',
  'tokenizer',
  'tokenizerConfig',
  'textEncoder',
  'textEncoderConfig',
  'unet',
  'unetConfig',
  'vaeDecoder',
  'vaeConfig',
];
const SECOND: readonly Role[] = ['tokenizer2', 'tokenizerConfig2', 'textEncoder2', 'textEncoderConfig2'];

/** The standard layout, for a folder that cannot be listed. */
export function standardRoles(textEncoders: 1 | 2): RolePaths {
  const roles = textEncoders === 1 ? FIRST : [...FIRST, ...SECOND];
  return Object.fromEntries(roles.map((role) => [role, standardPath(role)]));
}

export function standardPath(role: Role): string {
  return PLACES[role][0]!;
}

/** The structure of a network of .safetensors: its number of heads stands nowhere else. */
export const CONFIGS = {
  textEncoder: 'textEncoderConfig',
  textEncoder2: 'textEncoderConfig2',
  unet: 'unetConfig',
  vaeDecoder: 'vaeConfig',
} as const satisfies Record<Graph, Role>;

/** What each network is, in the words of `checkpoints`. */
export const KINDS = {
  textEncoder: 'text',
  textEncoder2: 'text',
  unet: 'unet',
  vaeDecoder: 'vae',
} as const satisfies Record<Graph, string>;

/** Where the weights of a network are looked for, in its plain form. */
export function storedPath(role: Graph): string {
  const [folder, stem] = WEIGHTS[role];
  return `${folder}${stem}.safetensors`;
}

/** What can lie beside a graph without being its weights. */
const NOT_WEIGHTS =
  /(\.(onnx|json|txt|md|safetensors|bin|ckpt|msgpack|h5|ot|py|ort|xml|jpe?g|png)|^\.gitattributes|LICENSE)$/i;

/**
 * A whole ONNX export is taken before whole .safetensors, and these before a mixture.
 * @throws nothing: what is missing shows in `missingRoles`.
 */
export function findRoles(paths: readonly string[], named: RolePaths = {}): RolePaths {
  const all = new Set(paths);
  const placed = (role: Role, places = PLACES[role]) =>
    [named[role] ?? places.find((place) => all.has(place))].find((path) => path !== undefined && all.has(path));
  const onnx = rolesBy(GRAPHS, (role) => placed(role));
  const stored = rolesBy(GRAPHS, (role) => weightsOf(paths, ...WEIGHTS[role]));
  const isWhole = (roles: RolePaths) => roles.unet && roles.vaeDecoder && roles.textEncoder;
  const graphs = isWhole(onnx) ? onnx : isWhole(stored) ? stored : { ...stored, ...onnx };
  // Weights of a VAE hold its encoder too.
  const isOnnx = !isWeights(graphs.vaeDecoder ?? '');
  const vaePlaces = isOnnx ? PLACES.vaeConfig : [...PLACES.vaeConfig].reverse();
  const others = rolesBy(
    ROLES.filter((role) => !(GRAPHS as readonly Role[]).includes(role) && (role !== 'vaeEncoder' || isOnnx)),
    (role) => placed(role, role === 'vaeConfig' ? vaePlaces : PLACES[role]),
  );
  const spare = new Set<string>([
    ...(others.tokenizer ? ['vocab', 'merges'] : []),
    ...(others.tokenizer2 ? ['vocab2', 'merges2'] : []),
  ]);
  return Object.fromEntries(Object.entries({ ...others, ...graphs }).filter(([role]) => !spare.has(role)));
}

function rolesBy<R extends Role>(roles: readonly R[], pathOf: (role: R) => string | undefined): RolePaths {
  return Object.fromEntries(
    roles.flatMap((role) => {
      const path = pathOf(role);
      return path === undefined ? [] : [[role, path]];
    }),
  );
}

/** The files without which no picture can be made, by a name for people. */
export function missingRoles(roles: RolePaths): string[] {
  const missing: string[] = [];
  if (roles.checkpoint) return missing;
  const stored = GRAPHS.some((role) => isWeights(roles[role] ?? ''));
  for (const role of ['unet', 'vaeDecoder', 'textEncoder'] as const)
    if (!roles[role]) missing.push(stored ? storedPath(role) : standardPath(role));
  for (const role of GRAPHS) {
    const config = CONFIGS[role];
    if (isWeights(roles[role] ?? '') && !roles[config]) missing.push(PLACES[config].at(-1) as string);
  }
  if (!roles.tokenizer && !(roles.vocab && roles.merges))
    missing.push('tokenizer/tokenizer.json (or vocab.json and merges.txt)');
  if (roles.textEncoder2 && !roles.tokenizer2 && !(roles.vocab2 && roles.merges2))
    missing.push('tokenizer_2/vocab.json and merges.txt');
  if (!roles.scheduler) missing.push('scheduler/scheduler_config.json');
  return missing;
}

/** Every file to fetch but the shards that an index names: those with a role, and external weights of the graphs. */
export function neededPaths(paths: readonly string[], roles: RolePaths): string[] {
  const needed = new Set(Object.values(roles));
  for (const role of [...GRAPHS, 'vaeEncoder'] as const) {
    const graph = roles[role];
    if (graph === undefined || isWeights(graph)) continue;
    const folder = graph.slice(0, graph.lastIndexOf('/') + 1);
    const siblings = paths.filter((path) => path.startsWith(folder) && !path.slice(folder.length).includes('/'));
    const weights = siblings.filter((path) => !NOT_WEIGHTS.test(path.slice(folder.length)));
    for (const path of forThisGraph(weights, graph, siblings)) needed.add(path);
  }
  return [...needed].sort();
}

/**
 * Where a folder holds several graphs (`model.onnx`, `model_fp16.onnx`), a file named after another one is that one's.
 */
function forThisGraph(weights: readonly string[], graph: string, siblings: readonly string[]): string[] {
  const others = siblings.filter((path) => path.endsWith('.onnx') && path !== graph);
  return weights.filter((path) => path.startsWith(graph) || !others.some((other) => path.startsWith(other)));
}
