// ONNX Runtime comes in two WebAssembly builds, 17 and 27 MB; a browser uses one of them. The service worker
// keeps that one alone: `jspi` where WebAssembly can suspend (JavaScript Promise Integration), else `asyncify`.

const OTHER_BUILD = {
  jspi: /\.asyncify[.-][^/]*$/,
  asyncify: /\.jspi[.-][^/]*$/,
} as const;

/** Those of `entries` that a browser with (or without) JSPI needs. */
export function entriesForBrowser<Entry extends { readonly url: string }>(
  entries: readonly Entry[],
  hasJspi: boolean,
): Entry[] {
  const other = OTHER_BUILD[hasJspi ? 'jspi' : 'asyncify'];
  return entries.filter((entry) => !other.test(entry.url));
}
