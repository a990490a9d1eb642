// Which program made a picture whose settings Pagoda does not read, from the names of its texts and their beginnings.

/**
 * Whether a text is an object, a list or a text of JSON, perhaps cut off:
 * prompts in braces have no quoted key behind one.
 */
export function isJson(text: string): boolean {
  const trimmed = text.trim();
  if (/^(?:\[\s*)?\{\s*"[^"\n]{1,200}"\s*:/.test(trimmed)) return true;
  try {
    return typeof JSON.parse(trimmed) !== 'number';
  } catch {
    return false;
  }
}

/**
 * The program's name; null where nothing tells.
 * @param texts what was read, by keyword, a comment of EXIF among them; `keywords` are all that are there.
 */
export function programOf(texts: readonly string[], keywords: ReadonlySet<string>): string | null {
  const says = (words: string) => texts.some((text) => text.includes(words));
  const has = (...names: readonly string[]) => names.some((name) => keywords.has(name));
  if (has('invokeai_metadata', 'invokeai_graph', 'sd-metadata', 'Dream')) return 'InvokeAI';
  if (says('"sui_image_params"')) return 'SwarmUI';
  if (has('fooocus_scheme') || says('"Fooocus')) return 'Fooocus';
  if (has('generation_data')) return 'TensorArt';
  if (says('NovelAI') || (has('Comment') && has('Description') && has('Software'))) return 'NovelAI';
  if (has('use_stable_diffusion_model', 'num_inference_steps', 'sampler_name')) return 'Easy Diffusion';
  if (has('workflow') || (has('prompt') && !has('parameters')) || says('"class_type"')) return 'ComfyUI';
  if (has('XML:com.adobe.xmp') && (says('drawthings') || says('"uc":'))) return 'Draw Things';
  return null;
}
