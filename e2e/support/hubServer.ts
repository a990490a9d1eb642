// A stand-in for the hub on the loopback interface: its API (commit, listing with sizes and hashes, resolve with a
// redirect to a second origin, as the real one redirects to its storage), and the faults that real servers have.
// Files are cut into the answer at a bounded rate where a test must interrupt it.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Repo {
  /** Contents by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What `main` means. */
  readonly commit: string;
}

/** What is wrong, for all files or those whose path matches; each counts down per request where `times` is given. */
export interface Fault {
  readonly path?: RegExp;
  readonly times?: number;
  readonly kind:
    | { readonly status: 401 | 403 | 404 | 416 | 429 | 500 | 503 }
    | { readonly expired: true } // the storage refuses the link
    | { readonly breakAfter: number } // the connection dies after so many bytes
    | { readonly stallAfter: number } // nothing comes any more
    | { readonly noRange: true } // 200 and the whole file
    | { readonly flip: number } // one wrong byte at this offset of the file
    | { readonly bytesPerSecond: number };
}

export interface HubServer {
  readonly url: string;
  readonly repos: Map<string, Repo>;
  readonly faults: Fault[];
  /** Path and Range of each request for a file's bytes. */
  readonly log: { readonly path: string; readonly from: number; readonly bytes: number }[];
  /** The same of requests for a bounded range: looks at a file's beginning, which the faults of a transfer spare. */
  readonly looks: { readonly path: string; readonly from: number; readonly bytes: number }[];
  /** Takes the network away, or gives it back. */
  setReachable(reachable: boolean): void;
  close(): Promise<void>;
}

/** Files above this are listed as Git LFS's, with SHA-256. */
const LFS = 4096;

export async function startHubServer(): Promise<HubServer> {
  const repos = new Map<string, Repo>();
  const faults: Fault[] = [];
  const used = new Map<Fault, number>();
  const log: { path: string; from: number; bytes: number }[] = [];
  const looks: { path: string; from: number; bytes: number }[] = [];
  let reachable = true;

  const faultFor = (path: string, fits: (kind: Fault['kind']) => boolean): Fault['kind'] | null => {
    const fault = faults.find(
      (one) => fits(one.kind) && (one.path?.test(path) ?? true) && (used.get(one) ?? 0) < (one.times ?? Infinity),
    );
    if (fault) used.set(fault, (used.get(fault) ?? 0) + 1);
    return fault?.kind ?? null;
  };
  const ignoresLooks = (path: string) =>
    faults.some(({ kind, path: only }) => 'noRange' in kind && (only?.test(path) ?? true));
  const common = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (!reachable) {
      request.socket.destroy();
      return false;
    }
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', 'ETag, Link, Content-Range, X-Error-Code');
    return true;
  };

  const storage = createServer((request, response) => {
    if (!common(request, response)) return;
    const [, name = '', path = ''] =
      /^\/([^/]+\/[^/]+)\/(.+)$/.exec(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)) ?? [];
    const bytes = repos.get(name)?.files.get(path);
    if (!bytes) return void response.writeHead(404).end();
    if (faultFor(path, (kind) => 'expired' in kind)) return void response.writeHead(403).end('Request has expired');
    void sendFile(request, response, path, bytes);
  });

  const sendFile = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    bytes: Uint8Array,
  ): Promise<void> => {
    const range = /^bytes=(\d+)-(\d+)?$/.exec(request.headers.range ?? '');
    if (range?.[2] !== undefined && !ignoresLooks(path)) {
      const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
      const look = { path, from: Number(range[1]), bytes: 0 };
      looks.push(look);
      response.writeHead(206, {
        'Content-Length': part.length,
        'Content-Range': `bytes ${look.from}-${look.from + part.length - 1}/${bytes.length}`,
      });
      for (let at = 0; at < part.length && !response.destroyed; at += 64 * 1024) {
        const chunk = part.subarray(at, at + 64 * 1024);
        look.bytes += chunk.length;
        if (!response.write(chunk)) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return void response.end();
    }
    const ignored = faultFor(path, (kind) => 'noRange' in kind);
    const from = range && !ignored ? Number(range[1]) : 0;
    if (from >= bytes.length && bytes.length > 0)
      return void response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    const rest = Uint8Array.from(bytes.subarray(from));
    const flip = faultFor(path, (kind) => 'flip' in kind);
    if (flip && 'flip' in flip && flip.flip >= from) rest[flip.flip - from]! ^= 1;
    const end = faultFor(path, (kind) => 'breakAfter' in kind || 'stallAfter' in kind);
    const length =
      end && 'breakAfter' in end ? end.breakAfter : end && 'stallAfter' in end ? end.stallAfter : rest.length;
    const rate = faultFor(path, (kind) => 'bytesPerSecond' in kind);
    const entry = { path, from, bytes: 0 };
    log.push(entry);
    const headers = {
      'Content-Length': rest.length,
      'Content-Type': 'application/octet-stream',
      ETag: `"${sha256(bytes)}"`,
    };
    response.writeHead(
      range && !ignored ? 206 : 200,
      range && !ignored
        ? { ...headers, 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
        : headers,
    );
    const chunk = rate && 'bytesPerSecond' in rate ? Math.max(1, Math.floor(rate.bytesPerSecond / 20)) : 64 * 1024;
    for (let at = 0; at < Math.min(length, rest.length); at += chunk) {
      if (response.destroyed) return;
      const part = rest.subarray(at, Math.min(at + chunk, length));
      response.write(part);
      entry.bytes += part.length;
      if (rate) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (length >= rest.length) response.end();
    else if (end && 'breakAfter' in end) setTimeout(() => response.destroy(), 20);
  };

  const hub = createServer((request, response) => {
    if (!common(request, response)) return;
    const url = new URL(request.url ?? '/', 'http://x');
    const path = decodeURIComponent(url.pathname);
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(path);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const name = api?.[1] ?? resolve?.[1] ?? '';
    const repo = repos.get(name);
    const refused = faultFor(resolve?.[3] ?? '', (kind) => 'status' in kind);
    if (refused && 'status' in refused) return json({ error: 'refused' }, refused.status);
    if (!repo) return json({ error: 'Repository not found' }, 401);
    const revision = api?.[3] ?? resolve?.[2];
    if (revision !== 'main' && revision !== repo.commit) return json({ error: 'Invalid rev id' }, 404);
    if (api?.[2] === 'revision')
      return json({
        _id: '1',
        id: name,
        sha: repo.commit,
        private: false,
        gated: false,
        cardData: { license: 'openrail' },
        downloads: 0,
        likes: 0,
        lastModified: new Date(0),
      });
    if (api) return json([...repo.files].map(([file, bytes]) => entry(file, bytes)));
    const file = resolve?.[3] ?? '';
    const bytes = repo.files.get(file);
    if (!bytes) return void response.writeHead(404, { 'X-Error-Code': 'EntryNotFound' }).end();
    if (bytes.length <= LFS) return void sendFile(request, response, file, bytes);
    response.writeHead(302, { Location: `${address(storage)}/${name}/${file}?signature=${Math.random()}` }).end();
  });

  await Promise.all([hub, storage].map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))));
  return {
    url: address(hub),
    repos,
    faults,
    log,
    looks,
    setReachable: (value) => {
      reachable = value;
      if (!value) for (const server of [hub, storage]) server.closeAllConnections();
    },
    close: async () => {
      await Promise.all(
        [hub, storage].map(
          (server) =>
            new Promise<void>((done) => {
              server.close(() => done());
              server.closeAllConnections();
            }),
        ),
      );
    },
  };
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function entry(path: string, bytes: Uint8Array): object {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const lfs = bytes.length > LFS ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {};
  return { type: 'file', path, size: bytes.length, oid, ...lfs };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
