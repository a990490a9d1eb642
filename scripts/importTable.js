// The rooms of src/ and who may import whom, as an ESLint rule. The table is the architecture: a wrong import
// is told which door to take instead. Tests may import what they like.

import { posix } from 'node:path';

/**
 * room → what it may import: a room, or one file of it. `types` admits `import type` alone.
 * @type {Record<string, Record<string, 'all' | 'types'>>}
 */
export const TABLE = {
  main: { ui: 'all', store: 'all', pwa: 'all' },
  ui: {
    store: 'all',
    prompt: 'all',
    settings: 'all',
    protocol: 'types',
    models: 'types',
    library: 'types',
  },
  store: {
    protocol: 'all',
    settings: 'all',
    diffusion: 'all',
    image: 'all',
    recipe: 'all',
    'kernels/float16': 'all',
    'onnx/sites/layers': 'all',
    models: 'all',
    history: 'all',
    series: 'all',
    'library/checkpointFile': 'all',
    'library/embeddingOnDisk': 'all',
    'library/fetchError': 'all',
    'library/folder': 'all',
    'library/folderLora': 'all',
    'library/library': 'all',
    'library/libraryMessages': 'types',
    'library/loraOnDisk': 'all',
    loading: 'all',
  },
  protocol: { prompt: 'types', settings: 'types', diffusion: 'types' },
  loading: { 'protocol/errors': 'all' },
  engine: {
    protocol: 'all',
    'settings/pictureSize': 'all',
    'settings/seeds': 'all',
    'settings/beyondPlan': 'all',
    'settings/earlierSteps': 'all',
    settings: 'types',
    configs: 'all',
    loading: 'all',
    diffusion: 'all',
    kernels: 'all',
    onnx: 'all',
    prompt: 'types',
    text: 'all',
    models: 'all',
    checkpoints: 'all',
    'library/opfs': 'all',
    image: 'all',
  },
  kernels: { 'diffusion/stepTable': 'all', diffusion: 'types', 'protocol/errors': 'all' },
  settings: { prompt: 'all', diffusion: 'all' },
  diffusion: {},
  'onnx/file': { 'protocol/errors': 'all' },
  'onnx/operators': { 'onnx/file': 'all' },
  'onnx/graph': { 'onnx/file': 'all', 'onnx/operators': 'all' },
  'onnx/sites': { 'protocol/errors': 'all', 'onnx/file': 'all', 'onnx/graph': 'all' },
  'onnx/segments': { 'onnx/file': 'all', 'onnx/graph': 'all', 'onnx/sites': 'types' },
  'onnx/passes': { 'onnx/file': 'all', 'onnx/operators': 'all', 'onnx/graph': 'all', 'onnx/sites': 'all' },
  'checkpoints/networks': {
    'checkpoints/tensorSources': 'all',
    'checkpoints/unetConfig': 'all',
    'onnx/file': 'all',
    'kernels/float16': 'all',
    'protocol/errors': 'all',
  },
  configs: { 'protocol/errors': 'all' },
  checkpoints: { configs: 'all', diffusion: 'types', 'protocol/errors': 'all' },
  prompt: {},
  text: { prompt: 'all', configs: 'all', 'protocol/errors': 'all' },
  recipe: {
    prompt: 'all',
    settings: 'all',
    diffusion: 'all',
    'onnx/sites/layers': 'all',
    'models/embeddingWords': 'all',
  },
  history: { protocol: 'types', recipe: 'all', 'settings/pagOptions': 'all' },
  series: { settings: 'all', diffusion: 'types', 'recipe/loraTags': 'all' },
  models: { settings: 'types', configs: 'types', diffusion: 'types' },
  library: {
    settings: 'types',
    models: 'all',
    configs: 'all',
    checkpoints: 'all',
    onnx: 'all',
    'protocol/errors': 'all',
    loading: 'all',
  },
  image: {},
  pwa: {},
};

/** @type {Record<string, string>} */
const DOORS = {
  main: 'main.tsx starts the page; nothing imports it.',
  ui: 'Components are imported by main.tsx and by each other; pass data down from store.',
  store: 'Only ui and main.tsx know the store; take the value as an argument.',
  protocol: 'Other rooms may have protocol/errors (and ui its types); requests and events are for store and engine.',
  loading: 'Loading is for engine, library, store and pwa; take what was loaded as an argument.',
  engine: 'Nobody imports engine: the page reaches it through store, which talks to it over protocol/client.',
  kernels: 'GPU work belongs to engine; the page asks for it with a message of protocol.',
  diffusion:
    'Numbers of sampling belong to engine, store and recipe; kernels, ' +
    'protocol and models may have the types of diffusion.',
  onnx:
    'Graphs belong to engine, and models looks into those of the hub; ' +
    'the page asks for what it needs with a message of protocol.',
  'checkpoints/networks': 'Networks are built by engine.',
  recipe: 'Recipes are made by store, and read by store and history; series may have its recipe/loraTags.',
  history: 'What was made is kept and found by store.',
  series: 'A series is planned and run by store.',
  settings:
    'Settings are fields of one table, for store, recipe and ui; ' +
    'engine, models and library may have their types, and engine settings/withoutPag.',
  configs: 'JSON of models is read by library, text and engine, which give what it says.',
  checkpoints:
    'Checkpoints are read by library and engine; the page asks for what it needs with a message of protocol.',
  prompt: 'What a prompt says is read by ui, recipe, text and engine.',
  text: 'Tokens belong to engine; the page sends the prompt as it is.',
  models: 'What a model is belongs to library, engine and store.',
  library:
    'The page may have library/library, through store; fetching has a worker of its own, loading belongs to engine.',
  image: 'Pixels are handled in engine and store; ui takes them from store.',
  pwa: 'Only main.tsx knows the service worker.',
};

/**
 * Packages that belong to one room.
 * @type {Record<string, { rooms: readonly string[], door: string }>}
 */
const PACKAGES = {
  'onnxruntime-web': { rooms: ['engine'], door: 'Only engine runs ONNX Runtime.' },
  valibot: { rooms: ['configs'], door: 'What JSON of a model may hold is said in configs.' },
  '@huggingface/hub': { rooms: ['library'], door: 'Only library talks to the hub.' },
  idb: { rooms: ['history'], door: 'The database of what was made belongs to history.' },
  'hash-wasm': { rooms: ['library'], door: 'Only library checks what it fetches.' },
  '@huggingface/tokenizers': { rooms: ['text'], door: 'Token ids come from text.' },
  react: { rooms: ['ui', 'main'], door: 'React belongs to ui.' },
  'react-dom': { rooms: ['ui', 'main'], door: 'React belongs to ui.' },
  zustand: { rooms: ['store'], door: 'State belongs to store.' },
  'workbox-window': { rooms: ['pwa'], door: 'The service worker belongs to pwa.' },
  'workbox-precaching': { rooms: ['pwa'], door: 'The service worker belongs to pwa.' },
  webgpu: { rooms: [], door: 'Dawn is for tests; the product takes the GPU from engine.' },
};

/**
 * Why a file may not import something, or null where it may.
 * @param {string} file path below src/, with forward slashes
 * @param {string} specifier as written in the import
 * @param {boolean} typeOnly
 * @returns {string | null}
 */
export function importFault(file, specifier, typeOnly) {
  const room = roomOf(file);
  if (!specifier.startsWith('.')) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    const owner = PACKAGES[name];
    return !owner || owner.rooms.includes(room) ? null : `${room} may not import ${name}. ${owner.door}`;
  }
  // The address of a worker is none of its code.
  if (specifier.endsWith('?worker&url')) return null;
  const target = posix.join(posix.dirname(file), specifier.replace(/\?.*$/, ''));
  if (target.startsWith('..')) return `${room} may not import ${specifier}. The product is built from src/ alone.`;
  const targetRoom = roomOf(target);
  if (targetRoom === room) return null;
  const path = target.replace(/\.tsx?$/, '');
  const door = Object.keys(TABLE[room] ?? {}).find((key) => path === key || path.startsWith(`${key}/`));
  const allowed = door && TABLE[room]?.[door];
  if (allowed === 'all' || (allowed === 'types' && typeOnly)) return null;
  const limit = allowed === 'types' ? ' (only with `import type`)' : '';
  const way = DOORS[targetRoom] ?? DOORS[targetRoom.replace(/\/.*/, '')] ?? 'There is no such room.';
  return `${room} may not import ${targetRoom}${limit}. ${way}`;
}

/** The innermost folder that the table names; files of src/ itself are `main`. */
function roomOf(/** @type {string} */ path) {
  const rooms = Object.keys(TABLE).filter((room) => path === room || path.startsWith(`${room}/`));
  const [first = 'main'] = path.includes('/') ? path.split('/') : [];
  return rooms.sort((a, b) => b.length - a.length)[0] ?? first;
}

/** @type {import('eslint').Rule.RuleModule} */
export const importTable = {
  meta: { type: 'problem', schema: [], docs: { description: 'keeps imports between rooms to the table' } },
  create(context) {
    const [, file] = context.filename.replaceAll('\\', '/').split(/(?:^|\/)src\/(.*)$/);
    if (!file) return {};
    /** @param {any} node */
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const typeOnly = node.importKind === 'type' || node.exportKind === 'type';
      const fault = importFault(file, node.source.value, typeOnly);
      if (fault) context.report({ node, message: fault });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
