// A checkpoint on disk, chosen or dropped: what it is, a pair of it, with LoRA too, and what is no model.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@playwright/test';
import { clipFolder, partFile, savedFolder, singleFile, small } from '../fixtures/checkpoints/golden';
import { cases, embeddingFile } from '../fixtures/checkpoints/embeddings';
import { loraCases, loraFile, loraNumbers } from '../fixtures/checkpoints/lora';
import { commonSettings, families, unetFile, worstPixel } from '../fixtures/checkpoints/pipelines';
import { sizedRuns, worstSizedPixel } from '../fixtures/checkpoints/sizes';
import { readHeader } from '../src/checkpoints/safetensors';
import { safetensorsFile } from '../src/checkpoints/testing/safetensorsFile';
import { dropFiles } from './support/dropFiles';
import { button, generate, holdModel, number, openWith, picture, pixels, setNumber, unfold } from './support/page';

test('one file is read in place: it says what it is and makes a pair; what is no whole model is refused', async ({
  page,
}, info) => {
  const write = async (name: string, file: Blob) => {
    const path = info.outputPath(name);
    writeFileSync(path, new Uint8Array(await file.arrayBuffer()));
    return path;
  };
  const whole = singleFile(small['sd1']!, 'F16', { 'modelspec.resolution': '128x128' });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await holdModel(page);
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await button(page, 'Model: Pocket (built in). Change').click();
  const section = page.getByRole('region', { name: 'From one .safetensors file' });
  const input = section.getByLabel('Checkpoint file');
  await input.setInputFiles(await write('vae.safetensors', partFile(small['sd1']!, 'vae')));
  const offered = section.getByRole('group', { name: 'A VAE alone' });
  await expect(offered).toContainText(/^vae · f16, [\d.]+ MB · This is a VAE alone/);
  await button(page, 'Not now').click();
  await expect(offered).toHaveCount(0);
  await input.setInputFiles(await write('text.safetensors', partFile(small['sd1']!, 'text_encoder')));
  await expect(section.getByRole('alert')).toContainText('has no UNet and no VAE. Choose the file');
  const merges = expect.stringMatching(/^\/clip\/\w+\/merges\.txt$/) as unknown;
  expect(asked).not.toContainEqual(merges);
  await input.setInputFiles(await write('my model.safetensors', whole));
  await expect(section.getByRole('status')).toContainText(/^my model · Stable Diffusion 1\.x, f16, \d+ MB · in use/);
  await expect(section.getByRole('alert')).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(button(page, 'Model: my model. Change')).toBeVisible();
  await generate(page);
  expect(asked).toContainEqual(merges);
  const [without, withPag] = [await pixels(picture(page, 'Without PAG')), await pixels(picture(page, 'With PAG'))];
  expect(withPag).toHaveLength(4 * 128 * 128);
  expect(withPag).not.toEqual(without);

  // What no file says, or says wrongly, can be said by hand.
  await unfold(page, 'How prompts and the model are read');
  const prediction = page.getByRole('combobox', { name: 'Prediction' });
  await expect(prediction).toContainText('As the model says (ε)');
  await prediction.selectOption('v');
  await generate(page);
  const ofV = await pixels(picture(page, 'With PAG'));
  await prediction.selectOption('model');
  await setNumber(page, 'Clip skip', '2');
  await generate(page);
  const skipped = await pixels(picture(page, 'With PAG'));

  // A VAE that makes grey of anything: another picture, until the model has its own again.
  await button(page, 'Model: my model. Change').click();
  await input.setInputFiles(await write('grey.safetensors', await grey(partFile(small['sd1']!, 'vae'))));
  await section.getByRole('button', { name: 'Use it with my model' }).click();
  await expect(section.getByRole('status', { name: 'VAE' })).toContainText('my model with the VAE grey');
  await page.keyboard.press('Escape');
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).not.toEqual(skipped);
  await expect(number(page, 'Clip skip')).toHaveValue('2');
  await button(page, 'Model: my model. Change').click();
  await button(page, 'Use its own VAE').click();
  await expect(section.getByRole('status', { name: 'VAE' })).toHaveCount(0);
  await page.keyboard.press('Escape');
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).toEqual(skipped);
  expect(ofV).not.toEqual(withPag);
  expect(skipped).not.toEqual(withPag);
  await button(page, 'Model: my model. Change').click();
  await page.getByRole('region', { name: 'On this device' }).getByRole('button', { name: 'Use Pocket' }).click();
  await expect(number(page, 'Clip skip')).toHaveAccessibleDescription(/^Not read: this model’s text encoder gives/);
});

test('a UNet alone runs with the rest of a model that is here, and says of which', async ({ page }, info) => {
  const write = async (name: string, file: Blob) => {
    const path = info.outputPath(name);
    writeFileSync(path, new Uint8Array(await file.arrayBuffer()));
    return path;
  };
  const [golden] = families['tiny-sd'];
  await openWith(page, { ...commonSettings, ...golden!.settings, sigmas: 'model', spacing: 'model' });
  await button(page, 'Model: Pocket (built in). Change').click();
  const section = page.getByRole('region', { name: 'From one .safetensors file' });
  const input = section.getByLabel('Checkpoint file');
  await input.setInputFiles(await write('small.safetensors', unetFile('tiny-sd', 'diffusers')));
  const offered = section.getByRole('group', { name: 'A UNet alone' });
  await expect(offered).toContainText(/^small · tiny-sd \(BK-SDM tiny\), f16, [\d.]+ MB · This is a UNet alone/);
  await expect(offered).toContainText('No such model is here. Fetch one');
  await input.setInputFiles(await write('base.safetensors', singleFile(small['sd1']!, 'F16')));
  await page.keyboard.press('Escape');
  await page.getByRole('group', { name: 'Usual settings' }).getByRole('button', { name: 'Undo' }).click();
  await button(page, 'Model: base. Change').click();
  await offered.getByRole('button', { name: 'Use it with base' }).click();
  await expect(offered).toHaveCount(0);
  await expect(section.getByRole('status', { name: 'UNet' })).toContainText(
    'small with text encoders, VAE and scheduler of base · in use',
  );
  await page.keyboard.press('Escape');
  await expect(button(page, 'Model: small with base. Change')).toBeVisible();
  await expect(page.getByText('Text encoders, VAE and scheduler of base', { exact: true })).toBeVisible();
  await generate(page);
  expect(worstPixel(golden!, await pixels(picture(page, 'With PAG')))).toBeLessThanOrEqual(1);
  await button(page, 'Recipe').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText('base with the UNet small');
  await page.keyboard.press('Escape');
  await button(page, 'Model: small with base. Change').click();
  await button(page, 'Use base with its own UNet').click();
  await expect(section.getByRole('status', { name: 'UNet' })).toHaveCount(0);
  await expect(section.getByRole('status')).toContainText(/^base · Stable Diffusion 1\.x/);
});

test('an embedding is a word of the prompts, and the recipe names it', async ({ page }, info) => {
  const { name, prompt } = cases.several;
  const write = async (fileName: string, file: Blob) => {
    const path = info.outputPath(fileName);
    writeFileSync(path, new Uint8Array(await file.arrayBuffer()));
    return path;
  };
  await openWith(page, { ...commonSettings, prompt });
  const field = page.getByRole('group', { name: 'Embeddings' });
  await field.getByText('Embeddings', { exact: true }).click();
  await button(page, 'Model: Pocket (built in). Change').click();
  const file = singleFile(small['sd1']!, 'F16', { 'modelspec.resolution': '128x128' });
  await page.getByLabel('Checkpoint file').setInputFiles(await write('model.safetensors', file));
  await page.keyboard.press('Escape');
  await button(page, 'Model: model. Change').waitFor();
  await generate(page);
  const without = await pixels(picture(page, 'With PAG'));
  await field
    .getByLabel('Embedding file')
    .setInputFiles([
      await write(`${name}.safetensors`, embeddingFile(cases.several, 'F16')),
      await write('wide.safetensors', embeddingFile(cases.both)),
      await write('old.pt', new Blob([Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0)])),
    ]);
  await expect(field.getByRole('alert')).toContainText('old.pt: This file is a .zip: an archive, or a PyTorch');
  await expect(field).toContainText('3 vectors. In use: a prompt names it.');
  await expect(field).toContainText('It does not fit this model’s text encoder');
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).not.toEqual(without);
  await button(page, 'Recipe').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText(`Embeddings${name}`);
  await page.keyboard.press('Escape');
  await button(page, `Remove ${name}`).click();
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).toEqual(without);
  await field.getByText(/^Embeddings/).click();
  await dropFiles(page, [info.outputPath(`${name}.safetensors`)]);
  await expect(button(page, `Remove ${name}`)).toBeVisible();
});

/** Its decoder's last layer has nothing but biases. */
async function grey(file: Blob): Promise<Blob> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { offset, length } = (await readHeader(file)).tensors.get('decoder.conv_out.weight')!;
  bytes.fill(0, offset, offset + length);
  return new Blob([bytes]);
}

test('two LoRA make the picture that diffusers makes with them; with weights of 0 it is the one without', async ({
  page,
}, info) => {
  const write = async (name: string, file: Blob) => {
    const path = info.outputPath(name);
    writeFileSync(path, new Uint8Array(await file.arrayBuffer()));
    return path;
  };
  await holdModel(page);
  await page.goto('/');
  const lora = page.getByRole('group', { name: 'LoRA', exact: true });
  await lora.getByText('LoRA', { exact: true }).click();
  await expect(lora).toContainText('LoRA needs a model from a .safetensors checkpoint');
  await button(page, 'Model: Pocket (built in). Change').click();
  const file = singleFile(small['sd1']!, 'F16', { 'modelspec.resolution': '128x128' });
  const model = await write('model.safetensors', file);
  await page.getByLabel('Checkpoint file').setInputFiles(model);
  await expect(page.getByRole('button', { name: /^Model: model\. Change/ })).toBeAttached();
  await page.keyboard.press('Escape');
  // As fixtures/checkpoints/make_lora.py has it.
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  await prompt.fill('a photo of a cat');
  await page.getByRole('textbox', { name: 'Negative prompt' }).fill('hello');
  const settings = { Seed: '7', Steps: '3', 'CFG scale': '3', 'PAG scale': '2' };
  for (const [name, value] of Object.entries(settings)) await setNumber(page, name, value);
  await page.getByRole('combobox', { name: 'Layers' }).fill('mid');
  await unfold(page, 'Sampling');
  await page.getByRole('combobox', { name: 'Scheduler' }).selectOption('DDIM');
  await generate(page);
  const without = await pixels(picture(page, 'With PAG'));

  const { loras, pipeline } = loraCases['both']!;
  const [first, second] = loras as [(typeof loras)[number], (typeof loras)[number]];
  const files = await Promise.all(loras.map(({ file }) => write(`${file}.safetensors`, loraFile(file, 'F16'))));
  const odd = await write('odd.safetensors', partFile(small['sd1']!, 'vae'));
  await lora.getByLabel('LoRA file').setInputFiles([...files, odd]);
  await expect(lora.getByRole('alert')).toContainText('odd.safetensors: This .safetensors file is no LoRA');
  await setNumber(page, `Weight of ${first.file}`, `${first.weight}`);
  await prompt.fill(`a photo of a cat <lora:${second.file}:${second.weight}> <lora:absent:1>`);
  await expect(page.getByText('The LoRA “absent” is not loaded, so its tag has no effect')).toBeVisible();
  await expect(lora).toContainText(/Rank 3, UNet and text encoder; all \d+ keys used; the prompt gives it -0\.5/);
  await generate(page);
  const changed = await pixels(picture(page, 'With PAG'));
  const expected = loraNumbers(pipeline!.pixels, 3 * 64 * 64);
  const worst = expected.reduce((most, value, at) => {
    const [pixel, channel] = [Math.floor(at / 3), at % 3];
    return Math.max(most, Math.abs(changed[4 * (256 * Math.floor(pixel / 64) + 2 * (pixel % 64)) + channel]! - value));
  }, 0);
  expect(worst).toBeLessThanOrEqual(1);

  await prompt.fill('a photo of a cat');
  for (const { file } of loras) await setNumber(page, `Weight of ${file}`, '0');
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).toEqual(without);
  for (const { file } of loras) await button(page, `Remove ${file}`).click();
  await expect(lora.getByRole('spinbutton')).toHaveCount(0);
});

test('a model is dropped on the page, as a file or its folder, and LoRA for it; what cannot be used says why', async ({
  page,
}, info) => {
  await page.goto('/');
  const sections = { file: 'From one .safetensors file', folder: 'From a folder' } as const;
  const says = (section: keyof typeof sections) =>
    page.getByRole('region', { name: sections[section] }).getByRole('alert');
  const whole = info.outputPath('whole.safetensors');
  writeFileSync(whole, new Uint8Array(await singleFile(small['sd1']!, 'F16').arrayBuffer()));
  const invitation = page.getByText('Drop a model to use it');
  await dropFiles(page, [whole], () => expect(invitation).toBeVisible());
  await expect(button(page, 'Model: whole. Change')).toBeVisible();
  await expect(invitation).toHaveCount(0);
  await dropFiles(page, ['fixtures/models/tiny']);
  await expect(button(page, 'Model: tiny. Change')).toBeVisible();

  const empty = info.outputPath('no model');
  mkdirSync(`${empty}/.hidden`, { recursive: true });
  writeFileSync(`${empty}/notes.txt`, 'notes');
  await dropFiles(page, [empty]);
  await expect(says('folder')).toContainText('This folder holds no model. Pagoda takes');
  const pickle = info.outputPath('old.ckpt');
  writeFileSync(pickle, Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0]));
  // The dialog is open now: files are dropped on it as on the page.
  await dropFiles(page, [pickle], () => expect(invitation).toBeVisible());
  await expect(says('file')).toContainText('can run code of its own. Pagoda reads .safetensors files');
  await expect(button(page, 'Model: tiny. Change')).toBeAttached();

  // LoRA are added where they stand, out of the dialog.
  const lora = async (name: string, file: Blob) => {
    const path = info.outputPath(`${name}.safetensors`);
    writeFileSync(path, new Uint8Array(await file.arrayBuffer()));
    return path;
  };
  const [fur, ink] = [await lora('fur', loraFile('peft')), await lora('ink', loraFile('old'))];
  await dropFiles(page, [fur, ink], () => expect(page.getByText('Drop LoRA or embeddings')).toBeVisible());
  await expect(number(page, 'Weight of fur')).toBeInViewport();
  await expect(number(page, 'Weight of ink')).toBeInViewport();
  await expect(button(page, 'Model: tiny. Change')).toBeVisible();
  const zeros = { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) } as const;
  const loha = safetensorsFile(new Map([['lora_unet_mid_block_attentions_0_proj_in.hada_w1_a', zeros]]));
  await page.getByRole('group', { name: 'LoRA', exact: true }).getByText('LoRA (2)').click();
  await dropFiles(page, [await lora('loha', loha)]);
  await expect(page.getByRole('group', { name: 'LoRA', exact: true }).getByRole('alert')).toContainText(
    'loha.safetensors: This file is of the kind LoHa, which Pagoda does not merge',
  );
});

test('a folder that diffusers wrote is dropped and makes diffusers’ picture', async ({ page }, info) => {
  const [golden] = families.sd1;
  const folder = info.outputPath('saved');
  for (const [path, bytes] of [...savedFolder('fp16-shards'), ...clipFolder()]) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    const config = () => ({ ...(JSON.parse(new TextDecoder().decode(bytes)) as object), sample_size: 16 });
    writeFileSync(file, path === 'unet/config.json' ? JSON.stringify(config()) : bytes);
  }
  await holdModel(page);
  await openWith(page, { ...commonSettings, ...golden!.settings, sigmas: 'model', spacing: 'model' });
  await dropFiles(page, [folder]);
  await expect(button(page, 'Model: saved. Change')).toBeVisible();
  await page.getByRole('group', { name: 'Usual settings' }).getByRole('button', { name: 'Undo' }).click();
  await generate(page);
  expect(worstPixel(golden!, await pixels(picture(page, 'With PAG')))).toBeLessThanOrEqual(1);
  await button(page, 'Model: saved. Change').click();
  await expect(page.getByRole('status', { name: 'From a folder on disk' })).toContainText(
    /^saved · Stable Diffusion 1\.x, f16, fp16 files, \d+ MB · in use/,
  );
  await page.keyboard.press('Escape');

  // At other sizes too, in steps of what its UNet needs, and of several seeds.
  const [wide, , several] = sizedRuns.sd1;
  await setNumber(page, 'Width', '200');
  await expect(page.getByText('Multiples of 64 from 64 to 4096: set to 192.')).toBeVisible();
  await expect(number(page, 'Height')).toHaveValue('128');
  await generate(page);
  expect(worstSizedPixel(wide!, await pixels(picture(page, 'With PAG')))).toBeLessThanOrEqual(1);
  await setNumber(page, 'Height', '64');
  await button(page, 'Swap width and height').click();
  await expect(number(page, 'Height')).toHaveValue('192');
  await setNumber(page, 'Height', '64');
  await setNumber(page, 'Images', '3');
  await unfold(page, 'Sampling');
  await page.getByRole('combobox', { name: 'Scheduler' }).selectOption('euler-a');
  await generate(page);
  const strip = page.getByRole('radiogroup', { name: 'Images of this run' });
  await expect(strip.getByRole('radio')).toHaveCount(3);
  const seen = async () => worstSizedPixel(several!, await pixels(picture(page, 'With PAG')), await chosen());
  const chosen = async () =>
    strip.getByRole('radio').evaluateAll((all) => all.findIndex((one) => (one as HTMLInputElement).checked));
  expect([await chosen(), (await seen()) <= 1]).toEqual([0, true]);
  await strip.getByRole('radio', { name: 'Image 1, seed 7' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  expect([await chosen(), (await seen()) <= 1]).toEqual([2, true]);
  await button(page, 'Recipe').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText('9, image 3 of 3');
  await page.keyboard.press('Escape');
  const [one] = await Promise.all([page.waitForEvent('download'), button(page, 'Save PNG').click()]);
  expect(one.suggestedFilename()).toBe('pagoda-a-photo-of-a-cat-9.png');
  const [all] = await Promise.all([page.waitForEvent('download'), button(page, 'Save all').click()]);
  const zip = readFileSync(await all.path());
  expect([7, 8, 9].map((seed) => zip.includes(`pagoda-a-photo-of-a-cat-${seed}.png`))).toEqual([true, true, true]);
});
