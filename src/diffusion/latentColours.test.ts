import { describe, expect, it } from 'vitest';
import { fitColours, inColours, publishedColours } from './latentColours';
import { TorchGenerator } from './noise';

const SD_WIDTHS = [128, 256, 512, 512];

describe('the colours of latents', () => {
  it('are found again, exactly, where a linear map made them', () => {
    const colours = {
      factors: [
        [0.5, -0.25, 0.125],
        [0, 1, -1],
      ],
      bias: [0.25, -0.5, 0.75],
    } as const;
    const noise = new TorchGenerator(3);
    const samples = [noise.randn(64), noise.randn(128)].map((latents) => ({
      latents,
      rgb: inColours(latents, colours),
    }));
    const fitted = fitColours(samples, 2);
    for (const [row, expected] of [...fitted.factors, fitted.bias].entries())
      for (const [at, value] of expected.entries())
        expect(value).toBeCloseTo([...colours.factors, colours.bias][row]![at]!, 6);
  });

  it('are a place’s own: channel planes are summed place by place', () => {
    const rgb = inColours(Float32Array.of(1, 2, 10, 20), {
      factors: [
        [1, 0, 0.5],
        [0, 1, 0.5],
      ],
      bias: [0, 0, 1],
    });
    expect([...rgb]).toEqual([1, 2, 10, 20, 6.5, 12]);
  });

  it('leave out a channel that says nothing', () => {
    const latents = Float32Array.of(1, 2, 3, 4, 0, 0, 0, 0);
    const fitted = fitColours([{ latents, rgb: Float32Array.of(1, 2, 3, 4, 2, 4, 6, 8, 0, 0, 0, 0) }], 2);
    expect(fitted.factors[0]!.map((value) => Math.round(1e6 * value) / 1e6)).toEqual([1, 2, 0]);
    expect(fitted.factors[1]).toEqual([0, 0, 0]);
  });

  it('are published for Stable Diffusion’s VAEs alone, told apart by their scale', () => {
    const [one, xl] = [0.18215, 0.13025].map((scaling) => publishedColours(4, scaling, SD_WIDTHS));
    expect(one?.factors[3]).toEqual([-0.212, -0.2616, -0.7177]);
    expect(xl?.bias).toEqual([0.1084, -0.0175, -0.0011]);
    expect(publishedColours(4, 0.7477, SD_WIDTHS)).toBeNull();
    expect(publishedColours(4, 0.18215, [16, 32, 64, 96])).toBeNull();
    expect(publishedColours(12, 0.18215, SD_WIDTHS)).toBeNull();
  });
});
