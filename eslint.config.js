// Lint, and the table of who may import whom (ARCHITECTURE.md). Each rule names the door to use instead.

import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const ROOMS = ['ui', 'store', 'protocol', 'engine', 'kernels', 'diffusion', 'onnx', 'text', 'models', 'image', 'pwa'];

/** Rooms whose anything may be imported, and single modules beside them. */
const TABLE = {
  ui: { rooms: ['store'], modules: ['protocol/messages', 'protocol/errors', 'models/catalog'] },
  store: { rooms: ['protocol', 'image'], modules: ['models/catalog'] },
  protocol: { rooms: [], modules: [] },
  engine: { rooms: ['protocol', 'diffusion', 'kernels', 'onnx', 'text', 'models', 'image'], modules: [] },
  kernels: { rooms: [], modules: ['diffusion/types', 'protocol/errors'] },
  diffusion: { rooms: [], modules: [] },
  onnx: { rooms: [], modules: ['protocol/errors'] },
  text: { rooms: [], modules: ['protocol/errors'] },
  models: { rooms: [], modules: ['protocol/messages', 'protocol/errors'] },
  image: { rooms: [], modules: [] },
  pwa: { rooms: [], modules: [] },
};

const DOORS = {
  engine: 'Nobody imports the engine: the page reaches it by worker URL, in src/store, through src/protocol.',
  ui: 'The UI is imported by main.tsx alone.',
  store: 'Only the UI and main.tsx know the store.',
};

function importTable() {
  return ROOMS.map((room) => {
    const { rooms, modules } = TABLE[room];
    const shut = ROOMS.filter((other) => other !== room && !rooms.includes(other));
    const patterns = shut.map((other) => {
      const open = modules.filter((path) => path.startsWith(`${other}/`)).map((path) => path.slice(other.length + 1));
      const except = open.length > 0 ? `(?!(?:${open.join('|')})$)` : '';
      return {
        regex: `^(?:\\.\\./)+${other}/${except}`,
        message: DOORS[other] ?? `src/${room} may import ${[...rooms, ...modules].join(', ') || 'no other room'} (ARCHITECTURE.md).`,
      };
    });
    const runtime = room === 'engine' ? [] : [{ regex: '^onnxruntime-web', message: 'Only src/engine talks to ONNX Runtime.' }];
    return {
      files: [`src/${room}/**/*.{ts,tsx}`],
      ignores: ['**/*.test.ts', '**/testing/**'],
      rules: { 'no-restricted-imports': ['error', { patterns: [...patterns, ...runtime] }] },
    };
  });
}

export default tseslint.config(
  { ignores: ['dist/', 'dev-dist/', 'test-results/', 'playwright-report/', 'fixtures/**/*.py', 'training/'] },
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-function': 'off',
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
    },
  },
  { files: ['src/**/*.{ts,tsx}'], plugins: { 'react-hooks': reactHooks }, rules: reactHooks.configs.recommended.rules },
  { files: ['scripts/**', 'bench/**', '*.config.*'], rules: { 'no-console': 'off' } },
  ...importTable(),
);
