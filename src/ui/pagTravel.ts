// The PAG slider's travel: three quarters of the track for 0–10, where people work, the rest for 10–100.

const BEND = 0.75;
const MIDDLE = 10;
const MAX = 100;

/** Scale 0 … 100 → position 0 … 1. */
export function toTravel(scale: number): number {
  return scale <= MIDDLE ? (scale / MIDDLE) * BEND : BEND + ((scale - MIDDLE) / (MAX - MIDDLE)) * (1 - BEND);
}

/** Position 0 … 1 → scale, in steps of 0.1 below 10 and of 1 above. */
export function fromTravel(travel: number): number {
  const at = Math.min(1, Math.max(0, travel));
  if (at <= BEND) return Math.round((at / BEND) * MIDDLE * 10) / 10;
  return Math.round(MIDDLE + ((at - BEND) / (1 - BEND)) * (MAX - MIDDLE));
}

export interface Band {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export const BANDS: readonly Band[] = [
  { name: 'off', from: 0, to: 0.5 },
  { name: 'subtle', from: 0.5, to: 2 },
  { name: 'balanced', from: 2, to: 5 },
  { name: 'strong', from: 5, to: MAX },
];

export function bandOf(scale: number): string {
  if (scale === 0) return 'off';
  return BANDS.find((band) => scale < band.to && band.name !== 'off')?.name ?? 'strong';
}
