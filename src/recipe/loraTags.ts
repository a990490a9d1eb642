// LoRA in prompts, as A1111 writes them: `<lora:NAME:WEIGHT>`, wherever in the text. They are no words: what is read of
// the prompt is without them. `lyco` is an alias. A1111 may have two weights, the text encoder's and the UNet's.

export interface LoraTag {
  readonly name: string;
  readonly weight: number;
  /** As it stands in the prompt. */
  readonly text: string;
  /** What in it has no effect here, as a sentence; null where there is nothing. */
  readonly note: string | null;
}

export interface TaggedPrompt {
  /** Without the tags; the blanks around them stay. */
  readonly text: string;
  /** Each name once: of several the last counts. */
  readonly tags: readonly LoraTag[];
}

const TAG = /<(?:lora|lyco):([^<>\n:]{1,200})((?::[^<>\n:]{0,80}){0,4})>/g;

export function takeLoraTags(prompt: string): TaggedPrompt {
  const tags = new Map<string, LoraTag>();
  const text = prompt.replace(TAG, (tag: string, name: string, rest: string) => {
    tags.set(name, { name, text: tag, ...readWeights(rest.split(':').slice(1)) });
    return '';
  });
  return { text, tags: [...tags.values()] };
}

/** The prompt for programs that are told of LoRA elsewhere; without tags it is as it stands. */
export function wordsOf(prompt: string): string {
  const { text, tags } = takeLoraTags(prompt);
  return tags.length > 0 ? text.trim() : text;
}

/** The prompt with a tag for each: those that it has say what they say. */
export function withLoraTags(prompt: string, loras: readonly Pick<LoraTag, 'name' | 'weight'>[]): string {
  const tagged = new Set(takeLoraTags(prompt).tags.map(({ name }) => name));
  const tags = loras.filter(({ name }) => !tagged.has(name)).map(({ name, weight }) => loraTag(name, weight));
  return [prompt, ...tags].filter((part) => part !== '').join(' ');
}

/** The prompt whose tags of these names have this weight. */
export function withLoraWeight(prompt: string, names: readonly string[], weight: number): string {
  return prompt.replace(TAG, (tag: string, name: string) => (names.includes(name) ? loraTag(name, weight) : tag));
}

export function loraTag(name: string, weight: number): string {
  return `<lora:${name}:${weight}>`;
}

/** Weights by their place or by `te=` and `unet=`; the UNet's is the text encoder's where it is not said. */
function readWeights(parts: readonly string[]): Pick<LoraTag, 'weight' | 'note'> {
  const named = new Map(
    parts.map((part, at) => {
      const [, key = '', value = part] = /^\s*(te|unet|dyn)\s*=(.*)$/.exec(part) ?? [];
      return [key === '' ? (['te', 'unet', 'dyn'][at] ?? `${at}`) : key, value.trim()] as const;
    }),
  );
  const weightOf = (key: string) => {
    const written = named.get(key);
    return written === undefined || written === '' ? null : Number(written);
  };
  const [text, unet] = [weightOf('te') ?? 1, weightOf('unet')];
  const weight = unet ?? text;
  if (!Number.isFinite(weight) || !Number.isFinite(text))
    return { weight: 1, note: 'Its weight is no number: 1 is taken.' };
  if (unet !== null && unet !== text)
    return { weight, note: `Of its two weights the UNet’s, ${weight}, is taken for both.` };
  const others = [...named.keys()].filter((key) => key !== 'te' && key !== 'unet');
  return { weight, note: others.length > 0 ? 'Only its weight is taken.' : null };
}
