// Puts the Content-Security-Policies of src/pwa/policy.ts where they hold: the page's into the built index.html, with
// the hashes of the inline scripts and styles that it was built with; the workers' into what the dev and preview
// servers answer. The dev server's page gets a header that admits what is inline: its hot reload is made of that.

import { createHash } from 'node:crypto';
import type { Connect, Plugin } from 'vite';

import { pagePolicy, policyHeaders } from '../src/pwa/policy.ts';

const DEV_PAGE = pagePolicy({ scripts: ["'unsafe-inline'"], styles: ["'unsafe-inline'"] });

/** Of elements without attributes, which are the inline ones here. */
function hashes(html: string, tag: 'script' | 'style'): readonly string[] {
  const contents = [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(([, content]) => content ?? '');
  return contents.map((content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`);
}

/** Sets the headers before anything answers; all that is no script gets `others`. */
function withPolicies(others: Readonly<Record<string, string>>): Connect.NextHandleFunction {
  return (request, response, next) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    for (const [name, value] of Object.entries({ ...others, ...policyHeaders(pathname) }))
      response.setHeader(name, value);
    next();
  };
}

export function contentSecurityPolicy(): Plugin {
  return {
    name: 'pagoda:content-security-policy',
    configureServer: ({ middlewares }) => void middlewares.use(withPolicies({ 'Content-Security-Policy': DEV_PAGE })),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(withPolicies({})),
    // After all that changes what is inline.
    transformIndexHtml: {
      order: 'post',
      handler: (html, { server }) => {
        if (server) return [];
        const content = pagePolicy({ scripts: hashes(html, 'script'), styles: hashes(html, 'style') });
        return [{ tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content }, injectTo: 'head-prepend' }];
      },
    },
  };
}
