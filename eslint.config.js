// The rules that the code is held to: typescript-eslint's strict set with types, React's rules of hooks, the import
// table of the rooms, and the length of lines.

import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

import { importTable } from './scripts/importTable.js';
import { lineLength } from './scripts/lineLength.js';

const TESTS = ['**/*.test.{ts,tsx}', 'e2e/**', 'fixtures/**'];

// Names of the browser that ours have been mistaken for; a reader takes `new TextEncoder()` for the browser's.
const GLOBALS =
  '(Blob|Cache|Comment|Document|Element|ErrorEvent|Event|File|Headers|Image|Lock|MessageEvent|Node|Option|Plugin|' +
  'ProgressEvent|Range|Request|Response|Selection|Text|TextDecoder|TextEncoder|Window|Worker|fetch|name|status)';

const AT_TOP = ['Program', 'Program > ExportNamedDeclaration'].map(
  (parent) => `${parent} > VariableDeclaration > VariableDeclarator`,
);
const DECLARATIONS = `:matches(${[
  'ClassDeclaration',
  'FunctionDeclaration',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
  ...AT_TOP,
].join(', ')})`;

export default defineConfig(
  globalIgnores(['.probe', 'dist', 'test-results', 'playwright-report', 'training']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    plugins: { pagoda: { rules: { 'import-table': importTable, 'line-length': lineLength } } },
    rules: { 'pagoda/line-length': 'error' },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: `${DECLARATIONS}[id.name=/^${GLOBALS}$/]`,
          message: 'The browser has a global of this name; call ours something else.',
        },
      ],
      // In loops over typed arrays the index is known to be inside.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: { 'pagoda/import-table': 'error' },
  },
  { files: ['src/**/*.{ts,tsx}'], extends: [reactHooks.configs.flat['recommended-latest']] },
  { files: ['src/**/*.test.{ts,tsx}', 'src/**/testing/**'], rules: { 'pagoda/import-table': 'off' } },
  {
    files: TESTS,
    rules: {
      // Tests reach into foreign records, and `expect(object.method)` takes methods off their objects.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    // Plain scripts for Node: tsc knows its globals and checks their types.
    files: ['**/*.{js,mjs}'],
    rules: { 'no-undef': 'off' },
  },
);
