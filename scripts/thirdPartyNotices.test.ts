import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { noticesOf } from './thirdPartyNotices';

const inPackage = (name: string) => fileURLToPath(new URL(`../node_modules/${name}/index.js`, import.meta.url));

test('a text stands once for all packages that have it, and the bundler’s own helpers count', () => {
  const modules = ['react', 'react-dom', '@huggingface/hub'].map(inPackage);
  const text = noticesOf([...modules, '\0vite/preload-helper.js', '/src/main.tsx']);
  expect(text).toMatch(/^react 19\.\S+\nreact-dom 19\.\S+\n\nMIT License/m);
  expect(text).toMatch(/^@huggingface\/hub \d/m);
  expect(text).toMatch(/^vite \d/m);
  expect(text).not.toContain('Licenses of bundled dependencies');
});

test('a package that ships no licence stops the build, and the message says where its text belongs', () => {
  expect(() => noticesOf([inPackage('onnxruntime-common')])).toThrow(
    /onnxruntime-common \S+ ships no licence: .*licenses\/onnxruntime-common@/,
  );
});
