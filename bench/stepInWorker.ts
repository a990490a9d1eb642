// The part of bench/native.mjs that runs in a worker of a page, as the engine does: steps of the built-in pair on the
// CPU backend.
//   own: cut at the layers, the perturbed row forked off · twin: the same with attention at the sites in TypeScript
//   whole: not cut, with the perturbed row from the start, as native ONNX Runtime is given it

import { elements, type Backend } from '../src/engine/backend';
import { CpuBackend } from '../src/engine/cpuBackend';
import { LoadTally } from '../src/engine/loadTally';
import { OnnxFile } from '../src/engine/onnxFile';
import { loadRuntime, threadCount } from '../src/engine/runtime';
import { Unet } from '../src/engine/unet';
import { attentionOnCpu } from '../src/kernels/attention.cpu';
import { selectSites } from '../src/onnx/sites/layers';
import { EngineError } from '../src/protocol/errors';

/** Uncond and cond of two images; behind the fork also the second image's perturbed row. */
const BASE = 4;
const fork = [0, 1, 2, 3, 3].map((source, row) => ({ source, identity: row === BASE ? 1 : 0 }));

const { signal } = new AbortController();
const random = (length: number) => Float32Array.from({ length }, (_, at) => Math.sin(at * (1 + 0.001 * at)));

type Steps = Awaited<ReturnType<typeof stepOn>>;
type Which = 'own' | 'twin' | 'whole';
interface Asked {
  /** Where the UNet lies on the server. */
  readonly folder: string;
  readonly layers: string;
  readonly which: Which;
  /** Of steps. */
  readonly count: number;
}

let steps: Promise<Record<Which, Steps>> | null = null;

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  measured(data).then(
    (answer) => self.postMessage(answer),
    (error: unknown) =>
      self.postMessage({ error: `${String(error)} ${error instanceof EngineError ? error.detail : ''}` }),
  );
};

/** Milliseconds of the fastest of so many steps. */
async function measured({ folder, layers, which, count }: Asked) {
  steps ??= opened(folder, layers);
  const { sites, segments, step } = (await steps)[which];
  let wall = Infinity;
  for (let at = 0; at < count; at += 1) {
    const start = performance.now();
    (await step()).dispose();
    wall = Math.min(wall, performance.now() - start);
  }
  return { threads: threadCount(), sites, segments, wall };
}

async function opened(folder: string, layers: string): Promise<Record<Which, Steps>> {
  const backend = new CpuBackend(await loadRuntime(signal, new LoadTally(() => {})));
  return {
    own: await stepOn(backend, folder, layers),
    twin: await stepOn(withTwin(backend), folder, layers),
    whole: await stepOn(backend, folder, null),
  };
}

/** `layers` null for the whole graph with all rows. */
async function stepOn(backend: Backend, folder: string, layers: string | null) {
  const blob = await (await fetch(`${folder}/model.onnx`)).blob();
  const config = (await (await fetch(`${folder}/config.json`)).json()) as { sample_size: number; in_channels: number };
  const file = await OnnxFile.open(blob, 'unet/model.onnx', { device: backend, openFile: null });
  const unet = new Unet(backend, file, {});
  const sites = layers === null ? [] : selectSites(layers, unet.sites);
  const rows = layers === null ? fork.length : BASE;
  const plan = await unet.prepare(sites);
  const { name, dims } = unet.inputs.context;
  const upload = (shape: readonly number[]) => backend.upload('float32', shape, random(elements(shape)));
  const input = {
    sample: upload([rows, config.in_channels, config.sample_size, config.sample_size]),
    conditioning: { [name]: upload([rows, ...(dims ?? []).slice(1).map(Number)]) },
    timestep: 500,
    fork: layers === null ? fork.map((_, source) => ({ source, identity: 0 })) : fork,
  };
  return {
    sites: sites.length,
    segments: plan.forward?.segments.length ?? 0,
    step: () => unet.predict(plan, input, signal),
  };
}

/** The backend with attention in TypeScript. */
function withTwin(backend: CpuBackend): Backend {
  const attend: Backend['attend'] = async (q, k, v, rows, { heads, scale }) => {
    const [sourceRows, tokens, channels] = q.dims as [number, number, number];
    const headDim = channels / heads;
    const shape = { sourceRows, tokens, heads, headDim, scale: scale ?? 1 / Math.sqrt(headDim) };
    const out = new Float32Array(rows.length * tokens * channels);
    const arrays = { q: await backend.read(q), k: await backend.read(k), v: await backend.read(v), out };
    attentionOnCpu(shape, arrays, rows);
    return backend.upload('float32', [rows.length, tokens, channels], out);
  };
  return Object.create(backend, { attend: { value: attend } }) as Backend;
}
