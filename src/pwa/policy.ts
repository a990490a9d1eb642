// The Content-Security-Policies: nothing is loaded from another origin, and nothing is evaluated but WebAssembly. The
// page has its policy written in it; the engine's worker is started so that it inherits that one
// (`loading/loadScript`). Workers that are started from a file, ONNX Runtime's threads and the models' worker, have the
// policy with which their file is answered: by the dev and preview servers, and by the service worker on hosts that
// send no headers. The models' worker alone may reach out.

type Policy = Readonly<Record<string, readonly string[]>>;

const WORKER = {
  'default-src': ["'none'"],
  'script-src': ["'self'", "'wasm-unsafe-eval'"],
  'worker-src': ["'self'"],
  // ONNX Runtime reads weights through blobs.
  'connect-src': ["'self'", 'blob:'],
} as const satisfies Policy;

/** A hub may have any address, also one of the local network. */
const MODELS_WORKER: Policy = { ...WORKER, 'connect-src': ["'self'", 'https:', 'http:'] };
const MODELS_WORKER_FILE = /\/modelsWorker[^/]*$/;

/** The page's. `inline` are sources for what stands in it: hashes of its inline scripts and styles. */
export function pagePolicy(inline: {
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}): string {
  return written({
    ...WORKER,
    'script-src': [...WORKER['script-src'], ...inline.scripts],
    // A worker from a blob is under this same policy, on any host.
    'worker-src': ["'self'", 'blob:'],
    'style-src': ["'self'", ...inline.styles],
    // Generated images are shown from blobs.
    'img-src': ["'self'", 'blob:', 'data:'],
    'manifest-src': ["'self'"],
    'font-src': ["'none'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
  });
}

/** What a file is answered with, by its URL's path; empty for all but scripts. */
export function policyHeaders(path: string): Readonly<Record<string, string>> {
  if (!/\.(m?js|ts)$/.test(path)) return {};
  return { 'Content-Security-Policy': written(MODELS_WORKER_FILE.test(path) ? MODELS_WORKER : WORKER) };
}

function written(policy: Policy): string {
  return Object.entries(policy)
    .map(([directive, sources]) => `${directive} ${sources.join(' ')}`)
    .join('; ');
}
