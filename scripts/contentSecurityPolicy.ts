// The page's Content-Security-Policy, put into the built index.html. The dev server goes without: its hot
// reload is made of inline scripts. Nothing is loaded from another origin, nothing is evaluated but WebAssembly; of
// inline scripts and styles those alone that the file was built with, by their hashes.

import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

type Policy = Readonly<Record<string, readonly string[]>>;

function policyOf(html: string): Policy {
  return {
    'default-src': ["'none'"],
    'script-src': ["'self'", "'wasm-unsafe-eval'", ...hashes(html, 'script')],
    'worker-src': ["'self'"],
    'style-src': ["'self'", ...hashes(html, 'style')],
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
}

/** Of elements without attributes, which are the inline ones here. */
function hashes(html: string, tag: 'script' | 'style'): readonly string[] {
  const contents = [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(([, content]) => content ?? '');
  return contents.map((content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`);
}

export function contentSecurityPolicy(): Plugin {
  return {
    name: 'pagoda:content-security-policy',
    apply: 'build',
    // After all that changes what is inline.
    transformIndexHtml: {
      order: 'post',
      handler: (html) => {
        const content = Object.entries(policyOf(html))
          .map(([directive, sources]) => `${directive} ${sources.join(' ')}`)
          .join('; ');
        return [{ tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content }, injectTo: 'head-prepend' }];
      },
    },
  };
}
