// Lets a browser paint what stands in index.html itself before anything else has come: a stylesheet in the head holds
// the first paint back, one at the end of the body does not. The page's script waits for it there too.

import type { Plugin } from 'vite';

export function firstPaint(): Plugin {
  return {
    name: 'pagoda:first-paint',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => {
        const sheets = html.match(/<link rel="stylesheet"[^>]*>/g) ?? [];
        return sheets
          .reduce((rest, sheet) => rest.replace(sheet, ''), html)
          .replace('</body>', `${sheets.join('')}</body>`);
      },
    },
  };
}
