// The models slice with a model store that the test answers for: late answers, lookups that are given up, and errors
// where they were asked for.

import { beforeEach, expect, test, vi } from 'vitest';
import { FetchError } from '../library/fetchError';
import type { LibraryRequest, Plan } from '../library/libraryMessages';
import { useModels } from './models';

interface Asked {
  readonly what: string;
  readonly signal: AbortSignal | null;
  readonly answer: (plan: Plan) => void;
  readonly refuse: (error: FetchError) => void;
}

let asked: Asked[] = [];
vi.mock('../library/library', () => {
  const put = (what: string, signal: AbortSignal | null) =>
    new Promise<Plan>((answer, refuse) => asked.push({ what, signal, answer, refuse }));
  return {
    Library: class {
      ask = (request: LibraryRequest) => put(request.type, null);
      inspect = ({ repo: { repo } }: { repo: { repo: string } }, signal: AbortSignal) => put(repo, signal);
    },
  };
});

const plan = (name: string) => ({ name, dir: name }) as Plan;
const error = new FetchError('network', 'no net', 'detail');
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

vi.hoisted(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {
    storage: {
      estimate: () => Promise.reject(new Error('refused')),
      persist: () => Promise.reject(new Error('refused')),
    },
    locks: {},
  });
});
beforeEach(() => {
  asked = [];
  useModels.setState(useModels.getInitialState());
});
const state = () => useModels.getState();

test('a lookup that another has overtaken says nothing, whatever it comes to', async () => {
  void state().lookUp('a/first', '');
  void state().lookUp('a/second', '');
  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([true, false]);
  asked[1]!.answer(plan('second'));
  await settled();
  asked[0]!.answer(plan('first'));
  await settled();
  expect(state().lookup).toMatchObject({ state: 'found', plan: { name: 'second' } });
});

test('Not now ends the lookup, and its error is nobody’s', async () => {
  void state().lookUp('a/slow', '');
  state().dismiss();
  expect(asked[0]!.signal?.aborted).toBe(true);
  asked[0]!.refuse(error);
  await settled();
  expect(state().lookup).toEqual({ state: 'none' });
});

test('each error lands where it was asked for, and asking again takes it away', async () => {
  state().open();
  void state().act('check', 'some-dir');
  void state().lookUp('a/model', '');
  for (const one of asked) one.refuse(error);
  await settled();
  const said = { code: 'network', message: 'no net', detail: 'detail' };
  expect(state()).toMatchObject({
    refused: said,
    failed: { dir: 'some-dir', error: said },
    lookup: { state: 'failed', error: said },
    error: null,
  });

  void state().act('check', 'some-dir');
  expect(state().failed).toBeNull();
  void state().fetch(plan('wanted'));
  await settled();
  asked.at(-1)!.refuse(error);
  await settled();
  expect(state().lookup).toEqual({ state: 'found', plan: plan('wanted'), error: said });

  void state().fetch(plan('wanted'));
  expect(state().lookup).toEqual({ state: 'found', plan: plan('wanted'), error: null });
});
