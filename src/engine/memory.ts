// When memory is short. Browsers tell neither the GPU's memory nor what is free, only the machine's memory in
// rounded GiB, capped (Chromium), or nothing (Firefox, Safari). So the rule is coarse and errs on the safe side.

/** Assumed where the browser does not say. */
const USUAL_GIB = 4;
/** A model above this share of memory gives way where it can. Activations and other programs take the rest. */
const SHARE = 0.25;

/**
 * Whether the text encoders' weights stay between runs.
 * @param modelBytes weights of the whole model as they lie in memory.
 * @param memoryGiB `navigator.deviceMemory`; undefined where there is none.
 */
export function keepsTextEncoders(modelBytes: number, memoryGiB: number | undefined): boolean {
  return modelBytes <= SHARE * (memoryGiB ?? USUAL_GIB) * 2 ** 30;
}

export function machineMemoryGiB(): number | undefined {
  return (globalThis.navigator as { readonly deviceMemory?: number } | undefined)?.deviceMemory;
}
