// A static host as people have it: serves dist/ from a subfolder, with no headers but the content type. Closing
// it takes the network away from a page that was loaded from it.

import { readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, relative } from 'node:path';
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
  '.txt': 'text/plain',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

export interface PlainServer {
  /** Where the page is, ending in `/`. */
  readonly url: string;
  /**
   * Puts a new version in the place of the old one: other hashes in the names of all assets, and another built-in
   * model; the old names are gone.
   */
  readonly release: (version: string) => void;
  /** What was asked for and is not there, by its name below the page. */
  readonly missed: readonly string[];
  /** Stops it at once, open connections too. */
  readonly close: () => Promise<void>;
}

export async function startPlainServer(): Promise<PlainServer> {
  const entries = await readdir(DIST, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(DIST, join(parentPath, name)));
  const assets = await readdir(join(DIST, 'assets'));
  const [model = ''] = await readdir(join(DIST, 'models/pocket'));
  const missed: string[] = [];
  let release = '';
  /** `worker-a1b2.js` as the version calls it: `worker-a1b2_2.js`. */
  const renamed = (asset: string) => asset.replace(/(\.\w+)$/, `${release && `_${release}`}$1`);
  /**
   * Code, pages and addresses name the assets and the model; the service worker names the revision of the page, which
   * is then another one too.
   */
  const asReleased = (text: string) =>
    assets
      .reduce((code, asset) => code.replaceAll(asset, renamed(asset)), text)
      .replaceAll(model, model + release)
      .replace(/(?<="revision":")(?=\w+","url":"index\.html")/, release);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const name = path === FOLDER ? 'index.html' : normalize(path).replace(FOLDER, '');
    const file = files.find((it) => asReleased(it) === name);
    if (file === undefined) {
      missed.push(name);
      return void response.writeHead(404).end();
    }
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    response.setHeader('Content-Type', type);
    void readFile(join(DIST, file)).then((bytes) =>
      response.end(/^text/.test(type) ? asReleased(bytes.toString()) : bytes),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${FOLDER}`,
    release: (version) => (release = version),
    missed,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
