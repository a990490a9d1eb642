// Decoder output → pixels: [channels, height, width] in [−1, 1] → 8-bit RGBA, rounded to nearest as diffusers does.

export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** One channel is shown as grey; of more than three the first three are taken. */
export function toPixels(values: Float32Array, channels: number, height: number, width: number): RgbaPixels {
  const plane = height * width;
  const rgba = new Uint8ClampedArray(4 * plane);
  for (let at = 0; at < plane; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const value = values[Math.min(channel, channels - 1) * plane + at]!;
      rgba[4 * at + channel] = Math.round(Math.min(1, Math.max(0, value / 2 + 0.5)) * 255);
    }
    rgba[4 * at + 3] = 255;
  }
  return { width, height, rgba };
}
