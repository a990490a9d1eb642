// A LoRA held to a model: which of its modules change which weights, and which of its keys fit nothing.

import type { LoraAdapter } from '../../configs/loraJson';
import type { LoraFile, LoraModule } from './loraFile';
import { elementsOf } from '../shapes';
import type { LoraNetwork, LoraTarget, LoraTargets } from './loraTargets';

export interface LoraChange {
  readonly module: LoraModule;
  readonly rank: number;
  /** α of a module that has none of its own: √ of the rank divides it where `byRoot`. null: the scale is 1. */
  readonly alpha: { readonly value: number; readonly byRoot: boolean } | null;
}

export interface LoraFit {
  /** By network and diffusers' name of the weight. */
  readonly changes: ReadonlyMap<LoraNetwork, ReadonlyMap<string, LoraChange>>;
  /** How many keys of the file these are. */
  readonly used: number;
  /** All other keys of the file. */
  readonly unused: readonly string[];
}

export function fitLora(lora: LoraFile, targets: LoraTargets): LoraFit {
  const changes = new Map<LoraNetwork, Map<string, LoraChange>>();
  const unused = [...lora.unread];
  let used = 0;
  for (const module of lora.modules) {
    const target = targets.get(module.name);
    const network = target && (changes.get(target.network) ?? new Map<string, LoraChange>());
    const rank = target ? rankOf(module, target.shape) : null;
    if (!target || !network || rank === null || network.has(target.parameter)) {
      unused.push(...module.keys);
      continue;
    }
    changes.set(target.network, network.set(target.parameter, { module, rank, alpha: adapterAlpha(lora, target) }));
    used += module.keys.length;
  }
  return { changes, used, unused };
}

/**
 * The rank of a product that has the shape of the weight, or null. Of a convolution's kernel either the down
 * projection has all, or the core in the middle.
 */
function rankOf({ down, up, mid }: LoraModule, [out = 0, input = 0, ...kernel]: readonly number[]): number | null {
  const [rank = 0] = down.shape;
  const pixels = elementsOf(kernel);
  const whole = mid ? elementsOf(mid.shape) === rank * rank * pixels && mid.shape[0] === rank : true;
  const fits =
    rank > 0 &&
    elementsOf(down.shape) === rank * input * (mid ? 1 : pixels) &&
    up.shape[0] === out &&
    elementsOf(up.shape) === out * rank &&
    whole;
  return fits ? rank : null;
}

/** As diffusers calls the networks. */
const FOLDERS = { unet: 'unet', text: 'text_encoder', text2: 'text_encoder_2' } as const;

function adapterAlpha({ adapter }: LoraFile, { network, parameter }: LoraTarget): LoraChange['alpha'] {
  const folder = FOLDERS[network];
  const field = <Name extends 'lora_alpha' | 'alpha_pattern' | 'use_rslora'>(name: Name) =>
    adapter[`${folder}.${name}`] as LoraAdapter[`unet.${Name}`];
  const module = parameter.slice(0, -'.weight'.length);
  const [, ofModule] =
    Object.entries(field('alpha_pattern') ?? {}).find(([name]) => `.${module}`.endsWith(`.${name}`)) ?? [];
  const value = ofModule ?? field('lora_alpha');
  return value === undefined ? null : { value, byRoot: field('use_rslora') ?? false };
}
