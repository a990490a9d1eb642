// What another app shares to the installed page (the manifest's `share_target`). The system sends it as a form; the
// service worker lays its files aside, since no server is to have them, and answers with the page, which takes them.

/** Where the form goes, relative to the page; and what the page is called then. */
const ACTION = 'share-target';
const SHARED = 'shared';
/** A cache of its own, empty but between the two. */
const CACHE = 'pagoda-shared';
/** As the manifest names the form's field. */
const FIELD = 'files';
/** Far more than anyone shares at once. */
const MOST = 20;

export function isShareTarget({ method, url }: Pick<Request, 'method' | 'url'>, scope: string): boolean {
  return method === 'POST' && url === new URL(ACTION, scope).href;
}

/** The service worker's part. Where there is no room the page opens without them, and says so. */
export async function keepShared(request: Request, scope: string): Promise<Response> {
  let came = '1';
  try {
    const form = await request.formData();
    // A field that was left empty is an empty file.
    const files = form.getAll(FIELD).flatMap((value) => (value instanceof File && value.size > 0 ? [value] : []));
    await caches.delete(CACHE);
    const cache = await caches.open(CACHE);
    for (const [at, file] of files.slice(0, MOST).entries()) {
      const headers = { 'content-type': file.type, 'x-name': encodeURIComponent(file.name) };
      await cache.put(new URL(`${SHARED}/${at}`, scope).href, new Response(file, { headers }));
    }
  } catch {
    came = 'lost';
  }
  return Response.redirect(new URL(`./?${SHARED}=${came}`, scope).href, 303);
}

/** The page's part: null where nothing was shared, 'lost' where it did not come through. Each is given once. */
export async function takeShared(): Promise<readonly File[] | 'lost' | null> {
  const address = new URL(location.href);
  const came = address.searchParams.get(SHARED);
  if (came === null) return null;
  // A reload is not to take it again.
  address.searchParams.delete(SHARED);
  history.replaceState(history.state, '', address);
  try {
    const cache = await caches.open(CACHE);
    const files: File[] = [];
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      if (!answer) continue;
      const name = decodeURIComponent(answer.headers.get('x-name') ?? '');
      files.push(new File([await answer.blob()], name, { type: answer.headers.get('content-type') ?? '' }));
    }
    await caches.delete(CACHE);
    return files.length === 0 ? 'lost' : files;
  } catch {
    return 'lost';
  }
}
