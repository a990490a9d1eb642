// The headers that make a page cross-origin isolated, which WebAssembly threads need. The dev and preview
// servers send them; on a static host that sends none, the service worker adds them. `require-corp`, because
// Safari has no `credentialless`; the page loads nothing from other origins anyhow.

export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/**
 * The same response with these headers, and with `others`. Opaque and error responses cannot be read and come back as
 * they are.
 */
export function withIsolationHeaders(response: Response, others: Readonly<Record<string, string>> = {}): Response {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries({ ...ISOLATION_HEADERS, ...others })) headers.set(name, value);
  // Statuses without a body (204, 304) refuse even an empty one.
  const body = [204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}
