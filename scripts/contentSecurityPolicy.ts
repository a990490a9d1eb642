// The page's Content-Security-Policy, put into the built index.html. The dev server goes without: its hot
// reload is made of inline scripts. Nothing is loaded from another origin, nothing is evaluated but WebAssembly.

import type { Plugin } from 'vite';

const POLICY: Readonly<Record<string, readonly string[]>> = {
  'default-src': ["'none'"],
  'script-src': ["'self'", "'wasm-unsafe-eval'"],
  'worker-src': ["'self'"],
  'style-src': ["'self'"],
  // Generated images are shown from blobs.
  'img-src': ["'self'", 'blob:', 'data:'],
  // Models are fetched from this origin; ONNX Runtime reads weights through blobs.
  'connect-src': ["'self'", 'blob:'],
  'manifest-src': ["'self'"],
  'font-src': ["'none'"],
  'object-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
};

export function contentSecurityPolicy(): Plugin {
  const content = Object.entries(POLICY)
    .map(([directive, sources]) => `${directive} ${sources.join(' ')}`)
    .join('; ');
  return {
    name: 'pagoda:content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content }, injectTo: 'head-prepend' },
    ],
  };
}
