import { expect, it } from 'vitest';

import { ISOLATION_HEADERS, withIsolationHeaders } from './isolation';

it('adds the headers and keeps status, body and the other headers', async () => {
  const response = withIsolationHeaders(new Response('gone', { status: 404, headers: { 'Content-Type': 'text/x' } }));
  for (const [name, value] of Object.entries(ISOLATION_HEADERS)) expect(response.headers.get(name)).toBe(value);
  expect(response.status).toBe(404);
  expect(response.headers.get('Content-Type')).toBe('text/x');
  expect(await response.text()).toBe('gone');
});

it('takes a response without a body', () => {
  expect(withIsolationHeaders(new Response(null, { status: 304 })).status).toBe(304);
});

it('gives back a response that cannot be read', () => {
  const response = Response.error();
  expect(withIsolationHeaders(response)).toBe(response);
});
