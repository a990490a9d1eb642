// Runs with a mask against diffusers' inpainting pipelines with PAG (fixtures/inpaint/make_inpaint.py): the latents
// behind each call of the scheduler, and of some the picture. So the resizing of image and mask, both encodings, the
// order of draws, what is blended in at which noise level, the channels that a UNet for inpainting reads beside the
// latents, and the crop around a mask all have to be right.

import { openAsBlob } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { wholeFile } from '../../fixtures/checkpoints/pipelines';
import {
  inpaintingFile,
  maskOf,
  runs,
  stepsOf,
  worstLevel,
  type InpaintFamily,
  type MaskKind,
} from '../../fixtures/inpaint/inpaint';
import { startPicture, startSettings } from '../../fixtures/start/start';
import { fitPicture } from '../image/fitPicture';
import type { MaskImage, Pair, Size, StartImage } from '../protocol/pictureData';
import type { StepLatents, StepTrace } from '../protocol/runSteps';
import { INITIAL, type Settings } from '../settings/fields';
import type { BlendInput, StepInput } from './backend';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel, type DiffusionModel } from './diffusionModel';
import { generate, warmUp } from './generate';
import { KeptRuns } from './keptRuns';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

/** Keeps the latents behind each step: those that are blended first, where some are. */
class WatchedBackend extends CpuBackend {
  readonly steps: Float32Array[] = [];
  private isBlended = true;

  override async guidedStep(input: StepInput) {
    const output = await super.guidedStep(input);
    this.steps.push(await this.read(output.latents));
    this.isBlended = false;
    return output;
  }

  override async maskBlend(input: BlendInput) {
    const output = await super.maskBlend(input);
    if (!this.isBlended) this.steps[this.steps.length - 1] = await this.read(output);
    this.isBlended = true;
    return output;
  }
}

const backend = new WatchedBackend(await loadNodeRuntime());
const picture = startPicture();

function startWith(mask: MaskKind | null): StartImage {
  const given = { width: picture.width, height: picture.height, hash: 'one', rgb: new Blob([picture.rgb]) };
  return mask ? { ...given, mask: { hash: mask, gray: new Blob([maskOf(mask).gray]) } } : given;
}

const models = new Map<InpaintFamily, Promise<DiffusionModel>>();
afterAll(async () => {
  for (const model of models.values()) await closeModel(await model);
});

function modelOf(family: InpaintFamily): Promise<DiffusionModel> {
  const model = models.get(family) ?? open(family);
  models.set(family, model);
  return model;
}

async function open(family: InpaintFamily): Promise<DiffusionModel> {
  const whole = family === 'sd1' || family === 'sdxl' ? wholeFile(family, 'F16') : inpaintingFile(family);
  const source = { file: new File([whole], 'some.safetensors'), clipUrl: '' };
  return openModel(
    backend,
    await checkpointFiles(source, undefined, () => openAsBlob('public/clip/merges.txt')),
    family,
  );
}

interface Given {
  readonly of?: InpaintFamily;
  readonly start?: StartImage | null;
  readonly kept?: KeptRuns | null;
  readonly seeds?: number;
  readonly onPreview?: (pairs: readonly Pair[], size: Size) => void;
  readonly onTrace?: (trace: StepTrace) => void;
}

async function run(changes: Partial<Settings>, given: Given = {}) {
  const { of = 'sd1', start = startWith('hard'), kept = null, seeds = 1, onPreview, onTrace } = given;
  const plain = { compare: false, startFit: 'stretch', maskFeather: 0, strength: 0.3 } as const;
  const settings = { ...INITIAL, ...startSettings, ...plain, ...changes };
  const hooks = {
    signal: new AbortController().signal,
    progress: () => {},
    preview: (_: number, pairs: readonly Pair[], size: Size) => onPreview?.(pairs, size),
    ...(onTrace && { trace: onTrace }),
  };
  return generate(await modelOf(of), settings, hooks, { kept, seeds, start });
}

/** As of text alone (`schedulers.test.ts`): relative to the largest latent. */
const BOUND = 1e-4;

const table: string[] = [];
afterAll(() =>
  console.info(
    ['family · scheduler · strength · mask · size · area · worst error behind any call · picture', ...table].join('\n'),
  ),
);

// npx vitest run --project unit src/engine/inpaint.test.ts
describe('latents behind each step are those of diffusers', () => {
  for (const golden of runs) {
    const { family, scheduler, strength, mask, width, height, guidanceScale, padding } = golden;
    const area = padding === null ? 'whole' : `masked, ${padding}`;
    const name = [family, scheduler, strength, mask, `${width}×${height}`, area].join(' · ');
    test(`${name}, CFG ${guidanceScale}`, async () => {
      backend.steps.length = 0;
      const { pair } = await run(
        {
          scheduler,
          strength,
          width,
          height,
          guidanceScale,
          ...(padding !== null && { maskArea: 'masked', maskPadding: padding }),
        },
        { of: family, start: startWith(mask) },
      );
      const steps = stepsOf(golden);
      expect(backend.steps).toHaveLength(steps.length);
      const errors = steps.map(({ every, values }, at) =>
        relativeError(
          backend.steps[at]!.filter((_, index) => index % every === 0),
          values,
        ),
      );
      const worst = Math.max(...errors);
      const level = golden.picture === undefined ? null : worstLevel(golden, pair.withPag.rgba);
      table.push([name, worst.toExponential(1), ...(level === null ? [] : [`${level} of 255`])].join(' · '));
      expect(worst).toBeLessThan(BOUND);
      if (level !== null) expect(level).toBeLessThanOrEqual(1);
    });
  }
});

/** Whether a pixel is the one of the other picture, at each place. */
function sameAt(rgba: ArrayLike<number>, rgb: ArrayLike<number>, pixel: number): boolean {
  return [0, 1, 2].every((channel) => rgba[4 * pixel + channel] === rgb[3 * pixel + channel]);
}

describe('the rest of the picture', () => {
  test('is the start image’s own, brought to size, where the feathered mask is 0', async () => {
    const changes = { width: 128, height: 128, maskFeather: 2 } as const;
    const { pair } = await run(changes);
    const own = fitPicture(picture, 128, 128, 'stretch');
    const { mask } = await (await modelOf('sd1')).canvases.of(startWith('hard'), settingsOf(changes), pair.withPag);
    const outside = [...mask!.gray.keys()].filter((pixel) => mask!.gray[pixel] === 0);
    const inside = [...mask!.gray.keys()].filter((pixel) => mask!.gray[pixel] === 255);
    expect(outside.length).toBeGreaterThan(5000);
    expect(outside.every((pixel) => sameAt(pair.withPag.rgba, own.rgb, pixel))).toBe(true);
    expect(inside.filter((pixel) => !sameAt(pair.withPag.rgba, own.rgb, pixel)).length).toBeGreaterThan(1000);
    const loose = (await run({ ...changes, keepRest: false })).pair.withPag;
    expect(outside.filter((pixel) => !sameAt(loose.rgba, own.rgb, pixel)).length).toBeGreaterThan(1000);
    expect(
      inside.every((pixel) => [0, 1, 2].every((c) => loose.rgba[4 * pixel + c] === pair.withPag.rgba[4 * pixel + c])),
    );
  });

  test('is the start image’s own at its own size, where only the masked part is made', async () => {
    const shown: Size[] = [];
    const ratios: number[] = [];
    const traced: StepTrace[] = [];
    const { pair } = await run(
      { maskArea: 'masked', maskPadding: 8, maskFeather: 3, width: 128, height: 128, compare: true },
      {
        onPreview: (pairs, size) => {
          shown.push(size);
          ratios.push(pairs[0]!.withPag.width / pairs[0]!.withPag.height);
        },
        onTrace: (trace) => traced.push(trace),
      },
    );
    for (const made of [pair.withPag, pair.withoutPag!]) {
      expect([made.width, made.height]).toEqual([picture.width, picture.height]);
      const far = Array.from({ length: picture.width * 10 }, (_, at) => at);
      expect(far.every((pixel) => sameAt(made.rgba, picture.rgb, pixel))).toBe(true);
    }
    expect(pair.withPag.rgba).not.toEqual(pair.withoutPag!.rgba);
    expect(shown).toEqual(shown.map(() => ({ width: picture.width, height: picture.height })));
    for (const ratio of ratios) expect(ratio).toBeCloseTo(picture.width / picture.height, 1);
    expect(shown.length).toBeGreaterThan(0);
    // What is kept of a step is the part that is made, and where it lies.
    const { within, withPag } = traced[0]!;
    const { dims } = withPag as StepLatents;
    const across = ((within!.right - within!.left) * picture.width) / ((within!.bottom - within!.top) * picture.height);
    expect(dims[2] / dims[1]).toBeCloseTo(across, 1);
  });
});

function settingsOf(changes: Partial<Settings>): Settings {
  return { ...INITIAL, ...startSettings, startFit: 'stretch', maskFeather: 0, ...changes };
}

test.each(['sd1', 'inpainting'] as const)(
  '%s: each image of a pair is the one made alone, kept ones too',
  async (of) => {
    const pag = { ...INITIAL.pag, window: { semantics: 'steps', start: 2, stop: 150 } } as const;
    const changes = { scheduler: 'euler-a', strength: 0.5, pag, compare: true } as const;
    const both = await run(changes, { of });
    const half = both.latents.length / 2;
    expect(both.latents.slice(half)).toEqual((await run({ ...changes, compare: false }, { of })).latents);
    expect(both.latents.slice(0, half)).toEqual(
      (await run({ ...changes, compare: false, pagScale: 0 }, { of })).latents,
    );
    const moved = { ...changes, pagScale: 4 };
    const kept = new KeptRuns();
    kept.add(both.made);
    const again = await run(moved, { of, kept });
    expect([again.stats.keptWithoutPag, again.stats.keptSteps]).toEqual([true, 3]);
    expect(again.latents).toEqual((await run(moved, { of })).latents);
    expect(again.pair.withoutPag).toEqual(both.pair.withoutPag);
  },
);

test.each(['sd1', 'inpainting'] as const)('%s: several images have each its own samples and noise', async (of) => {
  const changes = { scheduler: 'euler-a', strength: 0.2, compare: true } as const;
  const { seed } = startSettings;
  const both = await run(changes, { of, seeds: 2 });
  const alone = [await run(changes, { of }), await run({ ...changes, seed: seed + 1 }, { of })];
  expect(both.pairs).toEqual(alone.map(({ pair }) => pair));
});

test('a UNet for inpainting makes all of the picture where there is no mask, from a start image too', async () => {
  const changes = { scheduler: 'euler-a', strength: 1 } as const;
  const alone = await run(changes, { of: 'inpainting', start: null });
  // An image under a mask of everything is grey, whatever it is.
  expect((await run(changes, { of: 'inpainting', start: startWith('full') })).latents).toEqual(alone.latents);
  expect((await run(changes, { of: 'inpainting', start: startWith(null) })).latents).toEqual(alone.latents);
  const some = await run({ ...changes, strength: 0.3 }, { of: 'inpainting', start: startWith(null) });
  expect(some.plan.steps).toBe(3);
  const signal = new AbortController().signal;
  expect((await modelOf('inpainting')).info.notices.join()).toContain('made for inpainting');
  expect((await modelOf('sd1')).info.notices.join()).not.toContain('made for inpainting');
  await expect(warmUp(await modelOf('inpainting'), settingsOf({}), signal)).resolves.toBeUndefined();
});

test('the image is encoded once for all masks on it', async () => {
  await run({ strength: 0.3 });
  const made: unknown[] = [];
  const model = await modelOf('sd1');
  const { createSession } = backend;
  backend.createSession = (...args) => {
    made.push(args);
    return createSession.apply(backend, args);
  };
  try {
    await run({ strength: 0.3 }, { start: startWith('soft') });
  } finally {
    backend.createSession = createSession;
  }
  expect(made).toHaveLength(0);
  expect(model.vaeEncoder).not.toBeNull();
});

describe('what cannot be is said', () => {
  const withMask = (gray: Uint8Array<ArrayBuffer>, own: Partial<StartImage> = {}): StartImage => {
    const mask: MaskImage = { hash: `${gray.length} ${gray.join('').slice(0, 50)}`, gray: new Blob([gray]) };
    return { ...startWith(null), ...own, mask };
  };
  const pixels = picture.width * picture.height;
  const dot = (at: number) => new Uint8Array(pixels).map((_, pixel) => (pixel === at ? 255 : 0));

  test.each([
    ['a mask of another size', withMask(new Uint8Array(7)), {}, /not of the start image’s size, 150 × 92/],
    ['an empty mask', withMask(new Uint8Array(pixels)), {}, /mask is empty/],
    ['an empty mask, of which the masked part', withMask(new Uint8Array(pixels)), { maskArea: 'masked' }, /is empty/],
    ['a mask between the latents', withMask(dot(5 * picture.width + 6)), {}, /choose “Only masked”/],
    ['the same in its part', withMask(dot(5 * picture.width + 6)), { maskArea: 'masked' }, /choose a smaller padding/],
    ['a strength of 0', startWith('hard'), { strength: 0 }, /none of 10 steps/],
  ] as const)('%s', async (_, start, changes: Partial<Settings>, message) => {
    await expect(run(changes, { start })).rejects.toMatchObject({
      code: 'start-impossible',
      message: expect.stringMatching(message) as string,
    });
  });

  test('an image of one pixel is none of them', async () => {
    const one = { width: 1, height: 1, hash: 'one pixel', rgb: new Blob([new Uint8Array([9, 99, 199])]) };
    const start = withMask(new Uint8Array([255]), one);
    expect((await run({ strength: 0.1 }, { start })).pair.withPag.width).toBe(128);
    const { withPag } = (await run({ strength: 0.1, maskArea: 'masked', maskFeather: 8 }, { start })).pair;
    expect([withPag.width, withPag.height]).toEqual([1, 1]);
  });

  test('nor is a mask so small, where its part alone is made', async () => {
    const start = withMask(dot(5 * picture.width + 6));
    const { withPag } = (await run({ strength: 0.1, maskArea: 'masked', maskPadding: 0 }, { start })).pair;
    const changed = Array.from({ length: pixels }, (_, at) => at).filter(
      (at) => !sameAt(withPag.rgba, picture.rgb, at),
    );
    expect(changed.every((at) => at === 5 * picture.width + 6)).toBe(true);
  });

  test('an inpainting model without its encoder', async () => {
    const model = { ...(await modelOf('inpainting')), vaeEncoder: null };
    const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
    await expect(generate(model, settingsOf({}), hooks)).rejects.toMatchObject({ code: 'start-impossible' });
  });
});
