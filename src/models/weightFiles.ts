// The .safetensors files of a network in diffusers' layout: `<stem>.safetensors`, in several files with an index, and
// the same in variants (`.fp16`), of which one is taken.

/** The index of a network in several files ends in .json, in a variant before or behind `index`. */
const ENDING = /\.safetensors(?:\.(?:\w+\.)?index(?:\.\w+)?\.json)?$/;

/** Half the bytes for the same pictures; then what has no mark, then any other. */
const VARIANTS = ['fp16', '', 'bf16'];

export function isWeights(path: string): boolean {
  return ENDING.test(path);
}

export function isShardIndex(path: string): boolean {
  return isWeights(path) && path.endsWith('.json');
}

/** '' for the files without a mark. */
export function variantOf(path: string): string {
  const [file = ''] = path.split('/').slice(-1);
  const [, before, within, behind] =
    /^[^.]+(?:\.(\w+))?\.safetensors(?:\.(?:(\w+)\.)?index(?:\.(\w+))?\.json)?$/.exec(file) ?? [];
  return before ?? within ?? behind ?? '';
}

/**
 * The weights to take of those in a folder, or the index of them.
 * @param folder ends in `/`.
 */
export function weightsOf(paths: readonly string[], folder: string, stem: string): string | undefined {
  const fits = (path: string) => {
    const file = path.startsWith(folder) ? path.slice(folder.length) : '';
    return file.startsWith(`${stem}.`) && !file.includes('/') && isWeights(path);
  };
  const rank = (path: string) => {
    const at = VARIANTS.indexOf(variantOf(path));
    return 2 * (at < 0 ? VARIANTS.length : at) + Number(isShardIndex(path));
  };
  return paths.filter(fits).sort((a, b) => rank(a) - rank(b) || a.length - b.length)[0];
}

/** Single files of whole models, as those who share them lay them down. */
export function singleFiles<File extends { readonly path: string }>(files: readonly File[]): File[] {
  return files.filter(({ path }) => !path.includes('/') && /\.(safetensors|sft)$/i.test(path));
}

/** What may be named or opened as a model, a sentence. */
export const TAKES =
  'Pagoda takes models as diffusers lays them down (unet/, vae/, text_encoder/ … in .safetensors) or Optimum ' +
  '(in ONNX), whole models in one .safetensors file, and LoRA.';

const INSTEAD: readonly [ending: RegExp, what: string][] = [
  [/\.(ckpt|pt|pth|bin)$/i, 'Its weights are PyTorch files (.bin, .ckpt, .pt), which can run code of their own.'],
  [/\.msgpack$/i, 'Its weights are Flax’s (.msgpack).'],
  [/\.gguf$/i, 'Its weights are GGUF.'],
  [/(^|\/)openvino_model/i, 'Its weights are OpenVINO’s.'],
  [/\.(mlmodelc|mlpackage)\//i, 'Its weights are Core ML’s.'],
];

/** What stands in the place of weights that Pagoda reads, as sentences; '' where nothing is known of it. */
export function heldInstead(paths: readonly string[]): string {
  const what = INSTEAD.find(([ending]) => paths.some((path) => ending.test(path)))?.[1];
  return what === undefined ? '' : `${what} Pagoda reads .safetensors and ONNX: choose that form of the model.`;
}

/** diffusers' name of a UNet's file says nothing: its repository's does then. */
export function unetName(path: string, repo: string): string {
  const name = withoutEnding(path.split('/').at(-1) ?? '');
  return /^(diffusion_pytorch_model|model|unet)(\.|$)/.test(name) ? (repo.split('/').at(-1) ?? name) : name;
}

/** What a single file is called for people, and in the folders of other programs. */
export function withoutEnding(file: string): string {
  return file.replace(/\.(safetensors|sft)$/i, '');
}
