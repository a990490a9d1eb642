// A prompt as other programs read it: words that have a weight, in order, and breaks between them. Tokens are made of
// each piece by itself, so that where pieces end is a part of what is read.

/** How a prompt is read, with what each is called. The mean of what A1111 weighs is restored, or not. */
export const EMPHASES = {
  a1111: { label: 'A1111' },
  'a1111-no-norm': { label: 'A1111, no norm' },
  comfy: { label: 'ComfyUI' },
  plain: { label: 'Plain words' },
} as const;

export type Emphasis = keyof typeof EMPHASES;

export interface Piece {
  readonly text: string;
  readonly weight: number;
  /** Where each UTF-16 unit of `text` stands in the prompt. */
  readonly from: readonly number[];
}

/** What follows begins a chunk. */
export const BREAK = 'BREAK';

export type PromptPart = Piece | typeof BREAK;

export function isA1111(emphasis: Emphasis): boolean {
  return emphasis === 'a1111' || emphasis === 'a1111-no-norm';
}

export function isBreak(part: PromptPart): part is typeof BREAK {
  return part === BREAK;
}
