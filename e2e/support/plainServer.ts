// A static host as people have it: serves dist/ from a subfolder, with no headers but the content type. Closing
// it takes the network away from a page that was loaded from it.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const FOLDER = '/pagoda/';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

export interface PlainServer {
  /** Where the page is, ending in `/`. */
  readonly url: string;
  /** Text that ends `sw.js` from now on: to a browser, another byte is a new version of the site. */
  readonly release: (comment: string) => void;
  /** Stops it at once, open connections too. */
  readonly close: () => Promise<void>;
}

export async function startPlainServer(): Promise<PlainServer> {
  let release = '';
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const name = path === FOLDER ? 'index.html' : normalize(path).replace(FOLDER, '');
    readFile(join(DIST, name)).then(
      (bytes) => {
        response.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream');
        response.end(name === 'sw.js' ? `${bytes.toString()}\n// ${release}` : bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${FOLDER}`,
    release: (comment) => (release = comment),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
