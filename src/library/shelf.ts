// The model store as the worker runs it: what is there, which fetches are under way, and what stands in their way.
// One fetch per model and, by a lock that all tabs share, one tab per model.

import { absent, readJson, type Schema } from '../configs/readJson';
import { SCHEDULER, UNET, type UnetConfig } from '../configs/schemas';
import { checkpointModel, unetFound } from './checkpointFile';
import { sleep } from '../loading/sleep';
import { FetchError, asFetchError, busy, toFetchErrorData, type FetchErrorData } from './fetchError';
import { fetchModel, isWhole, storedBytes } from './fetchModel';
import { listRepo } from './hub';
import type { Plan, StoredModel, StoredState } from './libraryMessages';
import { findFile, modelsFolder, readManifest, type Manifest } from './opfs';
import { Rate } from '../loading/rate';
import { usualSettings } from '../models/usualSettings';
import type { UsualSettings } from '../settings/fields';

/** What the configs of a model tell the page. */
interface FromConfigs {
  readonly usual: UsualSettings;
  readonly unet: UnetConfig;
}

interface Entry {
  manifest: Manifest;
  readonly bytes: Map<string, number>;
  rate: Rate;
  state: StoredState;
  error: FetchErrorData | null;
  newer: StoredModel['newer'];
  /** What its configs tell; null until they are here, or where they cannot be read. */
  configs: FromConfigs | null;
  abort: AbortController | null;
  /** Settles when the fetch under way has let go of its files. */
  running: Promise<void>;
}

const STALL_MS = 30_000;
const RETRY_MS = [300, 1_500];
/** How long a fetch that something stands in the way of waits before it tries by itself. */
const WAIT_MS = 15_000;
const TELL_MS = 250;

export class Shelf {
  private readonly entries = new Map<string, Entry>();
  private opened: Promise<void> | null = null;
  private told = 0;
  private nudge = new AbortController();
  /** Between the tabs: the folder of a model that has changed, or whose fetch is to stop because it is deleted. */
  private readonly tabs = new BroadcastChannel('pagoda-models');

  constructor(private readonly tell: (models: readonly StoredModel[]) => void) {
    this.tabs.onmessage = ({ data: { dir, stop } }: MessageEvent<{ dir: string; stop: boolean }>) => {
      if (stop) this.entries.get(dir)?.abort?.abort();
      else void this.readAgain(dir).catch(() => undefined); // what cannot be read is said where it is opened
    };
  }

  /** Reads what is stored; fetches that the end of a page cut off go on. What was refused once may be asked again. */
  open(): Promise<void> {
    this.opened ??= this.readAll().catch((error: unknown) => {
      this.opened = null;
      throw error;
    });
    return this.opened;
  }

  async add(plan: Plan): Promise<void> {
    const { dir, repo, revision, commit, name, hubUrl, roles, files } = plan;
    const manifest: Manifest = { format: 1, repo, revision, commit, name, hubUrl, roles, files, paused: false };
    try {
      await this.open();
      if (!this.entries.has(dir)) {
        await this.write(dir, manifest);
        this.entries.set(dir, entryOf(manifest, new Map(), 'paused'));
      }
    } catch (cause) {
      throw asFirstError(cause);
    }
    await this.resume(dir);
  }

  /** Settles when it is under way; what becomes of it is told. */
  async resume(dir: string): Promise<void> {
    const entry = this.entries.get(dir);
    if (!entry || entry.state === 'whole' || (entry.abort && !entry.abort.signal.aborted)) return;
    const abort = new AbortController();
    const before = entry.running;
    Object.assign(entry, { abort, state: 'fetching', error: null, rate: new Rate() });
    this.changed();
    entry.running = before
      .then(() => this.run(dir, entry, abort.signal))
      .catch((cause: unknown) => {
        Object.assign(entry, { state: 'failed', error: toFetchErrorData(cause) });
      })
      .finally(() => {
        if (entry.abort === abort) {
          entry.abort = null;
          // It was stopped to be deleted; that may fail.
          if (entry.state === 'fetching' || entry.state === 'waiting') entry.state = 'paused';
        }
        this.changed();
        if (entry.state === 'whole') this.tabs.postMessage({ dir, stop: false });
      });
    if (entry.manifest.paused) await this.write(dir, { ...entry.manifest, paused: false }, entry);
  }

  async pause(dir: string): Promise<void> {
    const entry = this.entries.get(dir);
    if (!entry || entry.state === 'whole') return;
    // Stored first: what is called paused stays so through a reload.
    await this.write(dir, { ...entry.manifest, paused: true }, entry);
    if (isWholeNow(entry)) return;
    entry.abort?.abort();
    entry.state = 'paused';
    this.changed();
  }

  async remove(dir: string): Promise<void> {
    const entry = this.entries.get(dir);
    entry?.abort?.abort();
    this.tabs.postMessage({ dir, stop: true });
    // The fetch lets go of its files before it gives the lock back.
    await navigator.locks.request(`pagoda-model:${dir}`, async () => {
      await (await modelsFolder()).removeEntry(dir, { recursive: true }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error; // another tab was faster
      });
    });
    this.entries.delete(dir);
    this.changed();
    this.tabs.postMessage({ dir, stop: false });
  }

  /** Whether the revision means other files now. */
  async check(dir: string, signal: AbortSignal): Promise<void> {
    const entry = this.entries.get(dir);
    if (!entry) return;
    const { manifest } = entry;
    const { commit, files } = await listRepo(manifest, manifest.hubUrl, signal);
    const now = new Map(files.map((file) => [file.path, file.hash?.hex]));
    const changedFiles = manifest.files.filter((file) => !file.source && now.get(file.path) !== file.hash?.hex).length;
    entry.newer = changedFiles > 0 ? { commit, changedFiles } : null;
    this.changed();
  }

  /** The network may be back. */
  wake(): void {
    this.nudge.abort();
    this.nudge = new AbortController();
  }

  changed(): void {
    this.told = performance.now();
    this.tell([...this.entries].map(([dir, entry]) => modelOf(dir, entry)));
  }

  private async run(dir: string, entry: Entry, signal: AbortSignal): Promise<void> {
    await navigator.locks.request(`pagoda-model:${dir}`, { ifAvailable: true }, async (lock) => {
      if (lock) await this.fetch(dir, entry, signal);
      else Object.assign(entry, { state: 'failed', error: toFetchErrorData(busy(dir)) });
    });
  }

  private async fetch(dir: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const stopped = () => signal.aborted;
    const options = { signal, fetch: self.fetch.bind(self), stallMs: STALL_MS, retryMs: RETRY_MS };
    for (;;) {
      try {
        const files = await (await (await modelsFolder()).getDirectoryHandle(dir)).getDirectoryHandle('files', {
          create: true,
        });
        entry.state = 'fetching';
        await fetchModel(
          files,
          entry.manifest,
          { onBytes: (path, bytes, arrived) => this.count(entry, path, bytes, arrived) },
          options,
        );
        Object.assign(entry, { configs: await readConfigs(files, entry.manifest), state: 'whole', error: null });
        return;
      } catch (cause) {
        if (stopped()) return;
        const error = asFetchError(cause);
        entry.error = toFetchErrorData(error);
        entry.state = error.passes ? 'waiting' : 'failed';
        this.changed();
        if (!error.passes) return;
        await sleep(WAIT_MS, AbortSignal.any([signal, this.nudge.signal])).catch(() => undefined);
        if (stopped()) return;
      }
    }
  }

  /** @param arrived bytes that have just come; what was there before says nothing of the speed. */
  private count(entry: Entry, path: string, bytes: number, arrived: number): void {
    const now = performance.now();
    if (arrived > 0) entry.rate.add(arrived, now / 1000);
    entry.bytes.set(path, bytes);
    if (entry.state === 'waiting') Object.assign(entry, { state: 'fetching', error: null });
    if (now - this.told > TELL_MS) this.changed();
  }

  /** The whole list is known before any of it is told: what is missing in a list counts as deleted. */
  private async readAll(): Promise<void> {
    const folder = await modelsFolder();
    for await (const [dir, handle] of folder.entries()) {
      if (handle.kind === 'directory') await this.readFolder(dir, handle);
    }
    for (const [dir, { state, manifest }] of this.entries) {
      // Nothing waits for it: a failure is told as the entry's.
      if (state === 'paused' && !manifest.paused) void this.resume(dir).catch(() => undefined);
    }
  }

  /** One that cannot be read is listed as that, so that it can be deleted; it hides no other. */
  private async readFolder(dir: string, handle: FileSystemDirectoryHandle): Promise<void> {
    try {
      const manifest = await readManifest(handle);
      if (!manifest) return; // being written by another tab, or cut off before anything was fetched
      const files = await handle.getDirectoryHandle('files', { create: true });
      const whole = await isWhole(files, manifest);
      const entry = entryOf(manifest, await storedBytes(files, manifest), whole ? 'whole' : 'paused');
      if (whole) entry.configs = await readConfigs(files, manifest);
      this.entries.set(dir, entry);
    } catch (cause) {
      const manifest: Manifest = {
        format: 1,
        repo: dir,
        revision: '',
        commit: '',
        name: dir,
        hubUrl: '',
        roles: {},
        files: [],
        paused: true,
      };
      const error = new FetchError(
        'unreadable',
        'What is stored of this model cannot be read. Discard it and fetch it again.',
        String(cause),
        { cause },
      );
      this.entries.set(dir, { ...entryOf(manifest, new Map(), 'failed'), error: toFetchErrorData(error) });
    }
  }

  /** Another tab has changed it. What this tab fetches itself it knows best. */
  private async readAgain(dir: string): Promise<void> {
    await this.open();
    if (this.entries.get(dir)?.abort) return;
    try {
      await this.readFolder(dir, await (await modelsFolder()).getDirectoryHandle(dir));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.entries.delete(dir);
    }
    this.changed();
  }

  private async write(dir: string, manifest: Manifest, entry?: Entry): Promise<void> {
    const folder = await (await modelsFolder()).getDirectoryHandle(dir, { create: true });
    const writable = await (await folder.getFileHandle('manifest.json', { create: true })).createWritable();
    await writable.write(JSON.stringify(manifest));
    await writable.close();
    if (entry) entry.manifest = manifest;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

/** Where nothing is stored yet there is nothing to resume. */
function asFirstError(cause: unknown): FetchError {
  const error = asFetchError(cause);
  const [what, way] =
    error.code === 'quota'
      ? ['There is no room to store this model.', 'Delete a model or free space on the disk, then press Fetch again']
      : [
          'The browser did not let Pagoda store the model.',
          'Allow this site to store data and leave private windows, then press Fetch again',
        ];
  return new FetchError(
    error.code,
    `${what} ${way}. A model in a folder on your disk needs no storage.`,
    error.detail,
    { cause },
  );
}

/** A fetch may end while something else is waited for. */
function isWholeNow(entry: Entry): boolean {
  return entry.state === 'whole';
}

function entryOf(manifest: Manifest, bytes: Map<string, number>, state: StoredState): Entry {
  return {
    manifest,
    bytes,
    rate: new Rate(),
    state,
    error: null,
    newer: null,
    configs: null,
    abort: null,
    running: Promise.resolve(),
  };
}

/** From the configs as they are on the disk; what cannot be read tells nothing. */
async function readConfigs(files: FileSystemDirectoryHandle, { roles }: Manifest): Promise<FromConfigs | null> {
  const single = roles.checkpoint ?? roles.unetAlone;
  if (single !== undefined) return configsOfCheckpoint(files, single);
  const config = async <T>(schema: Schema<T>, path: string | undefined): Promise<T> => {
    const handle = path === undefined ? null : await findFile(files, path);
    try {
      return path !== undefined && handle ? await readJson(schema, path, await handle.getFile()) : absent(schema);
    } catch {
      return absent(schema); // the engine says what is wrong with it
    }
  };
  const unet = await config(UNET, roles.unetConfig);
  return { usual: usualSettings({ scheduler: await config(SCHEDULER, roles.scheduler), unet }), unet };
}

async function configsOfCheckpoint(files: FileSystemDirectoryHandle, path: string): Promise<FromConfigs | null> {
  try {
    const file = await (await findFile(files, path))?.getFile();
    if (!file) return null;
    const head = { head: file, size: file.size };
    const unet = await unetFound(head);
    if (unet) return { usual: unet.usual, unet: unet.config };
    const { usual, weights } = await checkpointModel(path, head);
    return { usual, unet: weights.unetConfig };
  } catch {
    return null; // the engine says what is wrong with it
  }
}

function modelOf(dir: string, entry: Entry): StoredModel {
  const { repo, revision, commit, name, hubUrl, roles, files } = entry.manifest;
  const { state, error, newer, configs, bytes } = entry;
  return {
    dir,
    repo,
    revision,
    commit,
    name,
    hubUrl,
    state,
    error,
    newer,
    usual: configs?.usual ?? null,
    unet: configs?.unet ?? null,
    file: roles.checkpoint ?? roles.unetAlone ?? null,
    unetAlone: roles.unetAlone !== undefined,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    fetchedBytes: [...bytes.values()].reduce((sum, count) => sum + count, 0),
    bytesPerSecond: state === 'fetching' ? entry.rate.perSecond(performance.now() / 1000) : null,
  };
}
