// A backend that counts what is made on it and not yet given back: sessions and tensors, whoever made them.

import type { Backend, DeviceTensor, Session, Tensors } from '../backend';

interface Counts {
  sessions: number;
  tensors: number;
}

export interface CountingBackend extends Backend {
  /** In all, since it was made; `runs` of sessions. */
  readonly made: Counts & { runs: number };
  /** Not disposed of yet. */
  readonly live: Counts;
  /** The next run of any session fails, as where the device has no memory left. */
  failNextRun(): void;
}

export function countingBackend(
  inner: Backend,
  traits: Partial<Pick<Backend, 'f16' | 'fusesAttention' | 'mostTensorBytes'>> = {},
): CountingBackend {
  const made = { sessions: 0, tensors: 0, runs: 0 };
  const live = { sessions: 0, tensors: 0 };
  let fails = false;
  const counted = <T extends DeviceTensor>(tensor: T): T => {
    made.tensors += 1;
    live.tensors += 1;
    const dispose = tensor.dispose.bind(tensor);
    let gone = false;
    tensor.dispose = () => {
      if (!gone) live.tensors -= 1;
      gone = true;
      dispose();
    };
    return tensor;
  };
  const session = async (made_: Promise<Session>): Promise<Session> => {
    const one = await made_;
    made.sessions += 1;
    live.sessions += 1;
    return {
      run: async (feeds: Tensors) => {
        if (fails) {
          fails = false;
          throw new Error('No memory left.');
        }
        made.runs += 1;
        const outputs = await one.run(feeds);
        for (const tensor of Object.values(outputs)) counted(tensor);
        return outputs;
      },
      dispose: async () => {
        live.sessions -= 1;
        await one.dispose();
      },
    };
  };
  return {
    kind: inner.kind,
    f16: traits.f16 ?? inner.f16,
    fusesAttention: traits.fusesAttention ?? inner.fusesAttention,
    partsAttention: inner.partsAttention,
    splitsGelu: inner.splitsGelu,
    computesIntegers: inner.computesIntegers,
    mostTensorBytes: traits.mostTensorBytes ?? inner.mostTensorBytes,
    capturing: null,
    takesHeadDim: (headDim) => inner.takesHeadDim(headDim),
    made,
    live,
    failNextRun: () => {
      fails = true;
    },
    createSession: (...args) => session(inner.createSession(...args)),
    upload: (...args) => counted(inner.upload(...args)),
    gatherRows: (...args) => counted(inner.gatherRows(...args)),
    joinRows: (...args) => counted(inner.joinRows(...args)),
    attend: async (...args) => counted(await inner.attend(...args)),
    modelInput: async (...args) => counted(await inner.modelInput(...args)),
    rescaledGuidance: async (...args) => counted(await inner.rescaledGuidance(...args)),
    guidedStep: async (input) => {
      const out = await inner.guidedStep(input);
      for (const tensor of [out.latents, out.denoised, out.history]) counted(tensor);
      return out;
    },
    maskBlend: async (input) => counted(await inner.maskBlend(input)),
    recover: () => inner.recover(),
    read: (tensor) => inner.read(tensor),
    readAll: (tensors) => inner.readAll(tensors),
    dispose: () => inner.dispose(),
  };
}
