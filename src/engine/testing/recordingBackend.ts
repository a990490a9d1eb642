// The CPU as a backend that records: sessions of graphs that are made for their sizes, with tensors that stay. Nothing
// is replayed, each run is an ordinary one; what is held to it is the graphs, and how a forward is put together.

import { elements, type Capturing, type DeviceTensor, type SizedValue, type Tensors } from '../backend';
import { CpuBackend } from '../cpuBackend';

export class RecordingBackend extends CpuBackend {
  override readonly capturing: Capturing = {
    session: async (graph, weights, _label, inputs, outputs) => {
      const session = await this.createSession(graph, weights);
      const [read, written] = [this.staying(inputs), this.staying(outputs)];
      const run = async () => {
        for (const [name, made] of Object.entries(await session.run(read))) {
          expectSame(made.dims, written[name]!.dims);
          numbersOf(written[name]!).set(numbersOf(made));
        }
      };
      return {
        inputs: read,
        outputs: written,
        run,
        runAnew: run,
        dispose: () => session.dispose(),
      };
    },
    write: (tensor, values) => numbersOf(tensor).set(values),
    copy: (copies) => {
      for (const { from, sources, into } of copies) {
        const rows = sources ? this.gatherRows(from, sources) : from;
        expectSame(rows.dims, into.dims);
        numbersOf(into).set(numbersOf(rows));
      }
    },
    reshaped: (tensor, dims) =>
      Object.assign(Object.create(Object.getPrototypeOf(tensor) as object) as DeviceTensor, tensor, { dims }),
    giveUp: () => {
      throw new Error('An ordinary run gave other numbers than the one before.');
    },
  };

  /** A copy, as from a GPU: the tensor is written again by the next run. */
  override async read(tensor: DeviceTensor): Promise<Float32Array> {
    return (await super.read(tensor)).slice();
  }

  private staying(values: readonly SizedValue[]): Tensors {
    return Object.fromEntries(
      values.map(({ name, type, dims }) => [name, this.upload(type, dims, new Float32Array(elements(dims)))]),
    );
  }
}

function numbersOf(tensor: DeviceTensor): Float32Array {
  return (tensor as DeviceTensor & { readonly data: Float32Array }).data;
}

function expectSame(actual: readonly number[], expected: readonly number[]): void {
  if (actual.join() !== expected.join())
    throw new Error(`A tensor of ${actual.join()} in the place of ${expected.join()}.`);
}
