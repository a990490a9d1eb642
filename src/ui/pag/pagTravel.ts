// The PAG slider's travel: most of the track for 0–10, where people work, and of that most for 0–5.

/** [scale, position], straight lines between. */
const BENDS: readonly (readonly [number, number])[] = [
  [0, 0],
  [5, 0.6],
  [10, 0.8],
  [100, 1],
];
const MAX = 100;

/** Scale 0 … 100 → position 0 … 1. */
export function toTravel(scale: number): number {
  return along(BENDS, scale);
}

/** Position 0 … 1 → scale, in steps of 0.1 below 10 and of 1 above. */
export function fromTravel(travel: number): number {
  const scale = along(
    BENDS.map(([at, position]) => [position, at] as const),
    travel,
  );
  return scale <= 10 ? Math.round(scale * 10) / 10 : Math.round(scale);
}

/** Linear interpolation in a table that rises; ends are held. */
function along(table: readonly (readonly [number, number])[], x: number): number {
  let [fromX, fromY] = table[0]!;
  for (const [toX, toY] of table) {
    if (x <= toX) return toX === fromX ? toY : fromY + (Math.max(0, x - fromX) / (toX - fromX)) * (toY - fromY);
    [fromX, fromY] = [toX, toY];
  }
  return fromY;
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
