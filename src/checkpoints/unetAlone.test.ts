// UNets alone under each naming that such files have, and whose scheduler they get.

import { expect, test } from 'vitest';
import { headerOf, real, singleFile, small, type Table } from '../../fixtures/checkpoints/golden';
import { withInputs } from '../../fixtures/inpaint/inpaint';
import { unetTable, wholeFile, type UnetNaming } from '../../fixtures/checkpoints/pipelines';
import { identify } from './identify';
import type { Prediction } from './prediction';
import { readHeader } from './safetensors';
import { schedulerWith, unetAlone } from './unetAlone';

const alone = async (file: Blob) => unetAlone(identify(await readHeader(file)));
const modelOf = async (table: Table) => (await alone(singleFile(table)))!;

test.each(['diffusers', 'ldm', 'bare ldm'] satisfies UnetNaming[])('it is told under names of %s', async (naming) => {
  const model = await modelOf(unetTable('tiny-sd', naming));
  expect(model.name).toBe('tiny-sd (BK-SDM tiny)');
  expect([...model.unet.sources.keys()].sort()).toEqual(Object.keys(small['tiny-sd']!.parts.unet!).sort());
  expect(model.unknown).toEqual([]);
});

test('with more in the file it is none, and one for another task is refused', async () => {
  expect(await alone(wholeFile('sd1', 'F16'))).toBeNull();
  const { file, ...rest } = small.sd1!;
  const vae = Object.entries(file).filter(([, [, part]]) => part === 'vae');
  expect(await alone(singleFile({ ...rest, file: Object.fromEntries(vae) }))).toBeNull();
  await expect(alone(singleFile(withInputs(small.inpainting!, 8)))).rejects.toThrow(/is a model for changing pictures/);
  expect((await modelOf(small.inpainting!)).task).toBe('inpainting');
});

const assumed: Prediction = { type: 'epsilon', zeroTerminalSnr: false, evidence: 'assumed' };
const base = { scheduler: { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' }, distilled: false };

test('the base’s scheduler stays, until the UNet says that it is of another kind', async () => {
  const [plain, lcm] = [await modelOf(unetTable('sd1', 'ldm')), await modelOf(unetTable('lcm', 'ldm'))];
  expect(schedulerWith(base, plain, assumed)).toBe(base.scheduler);
  const told: Prediction = { ...assumed, evidence: 'metadata' };
  expect(schedulerWith(base, plain, { ...told, type: 'v_prediction' })).toBe(base.scheduler);
  expect(schedulerWith(base, plain, told)).toMatchObject({
    _class_name: 'PNDMScheduler',
    prediction_type: 'epsilon',
  });
  expect(schedulerWith(base, plain, { ...told, type: 'v_prediction', zeroTerminalSnr: true })).toMatchObject({
    rescale_betas_zero_snr: true,
    timestep_spacing: 'trailing',
  });
  expect(schedulerWith(base, lcm, assumed)).toMatchObject({ _class_name: 'LCMScheduler' });
  const distilled = { ...base, distilled: true };
  expect(schedulerWith(distilled, lcm, assumed)).toBe(base.scheduler);
  expect(schedulerWith(distilled, plain, assumed)).toMatchObject({ _class_name: 'PNDMScheduler' });
});

test.each(['sd1', 'sdxl', 'ssd-1b'])('the real one of %s is told by its shapes', (family) => {
  const header = headerOf(real[family]!.parts.unet!);
  expect(unetAlone(identify(header))?.family.id).toBe(family);
});
