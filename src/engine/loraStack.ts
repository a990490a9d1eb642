// The LoRA of a run on a model's weights: for each weight that one of them changes, in place of its bytes in the file a
// name that opens as both together (`mergedWeight`). The name says all that went into it, so that two segments of a
// network whose weights have the same names are the same computation. A LoRA of weight 0 is as none.

import type { LoraFit } from '../checkpoints/lora/loraFit';
import type { LoraNetwork } from '../checkpoints/lora/loraTargets';
import type { WeightSource } from '../checkpoints/networks/graphBuilder';
import { FLOAT } from '../onnx/file/model';
import { elements } from './backend';
import { mergedWeight, type Merge } from './mergedWeight';
import type { OpenFile } from './modelFiles';

export interface OpenedLora {
  /** Another id is another file. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly file: Blob;
  readonly weight: number;
  readonly fit: LoraFit;
}

/** Begins the names of weights that are merged; no file is called so. */
const MERGED = 'merged:';

export class LoraStack {
  private readonly merges = new Map<string, Omit<Merge, 'open'>>();
  private readonly active: readonly OpenedLora[];

  constructor(
    readonly all: readonly OpenedLora[],
    private readonly openFile: OpenFile,
  ) {
    this.active = all.filter(({ weight }) => weight !== 0);
  }

  /** The same text for the same weights; '' for those of the model alone. */
  signature(network: LoraNetwork): string {
    return this.active
      .filter(({ fit }) => fit.changes.has(network))
      .map(weighed)
      .join('+');
  }

  /** The weights of a network, merged. */
  weights(network: LoraNetwork, model: WeightSource): WeightSource {
    return (parameter, shape) => {
      const base = model(parameter, shape);
      const changes = this.active.flatMap(({ id, fit, ...lora }) => {
        const change = fit.changes.get(network)?.get(parameter);
        return change ? [{ ...lora, ...change, id }] : [];
      });
      if (changes.length === 0) return base;
      const by = changes.map(weighed).join('+');
      const location = `${MERGED}${network}:${parameter}@${by}`;
      this.merges.set(location, { base, changes });
      const length = 4 * elements(base.dims);
      return { ...base, dataType: FLOAT, range: { location, offset: 0, length } };
    };
  }

  /** The model's files, and the weights that this stack has named. */
  readonly open: OpenFile = (path, load) => {
    const at = path.indexOf(MERGED);
    const merge = this.merges.get(path.slice(at));
    if (at < 0 || !merge) return this.openFile(path, load);
    const open = (location: string) => this.openFile(path.slice(0, at) + location, load);
    return Promise.resolve(mergedWeight({ ...merge, open }));
  };
}

function weighed({ id, weight }: Pick<OpenedLora, 'id' | 'weight'>): string {
  return `${id}*${weight}`;
}
