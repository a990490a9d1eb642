// LoRA tags in prompts, as A1111 and its kin write them.

import { expect, test } from 'vitest';
import { loraTag, takeLoraTags } from './loraTags';

test.each([
  ['a cat <lora:Fur v1.2:0.8>', 'a cat ', 'Fur v1.2', 0.8, null],
  ['<lora:fur>a cat', 'a cat', 'fur', 1, null],
  ['a <lyco:fur:-1.5> cat', 'a  cat', 'fur', -1.5, null],
  ['<lora:fur:te=0.5>', '', 'fur', 0.5, null],
  ['<lora:fur:0.5:0.5>', '', 'fur', 0.5, null],
  ['<lora:fur:0.5:0.9>', '', 'fur', 0.9, 'Of its two weights the UNet’s, 0.9, is taken for both.'],
  ['<lora:fur:1:unet=0.2>', '', 'fur', 0.2, 'Of its two weights the UNet’s, 0.2, is taken for both.'],
  ['<lora:fur:0.5:0.5:8>', '', 'fur', 0.5, 'Only its weight is taken.'],
  ['<lora:fur:much>', '', 'fur', 1, 'Its weight is no number: 1 is taken.'],
])('%s', (prompt, text, name, weight, note) => {
  const taken = takeLoraTags(prompt);
  expect(taken.text).toBe(text);
  expect(taken.tags).toMatchObject([{ name, weight, note }]);
});

test('of one name twice the last counts; other words stay as they are', () => {
  expect(takeLoraTags('<lora:a:1> x <lora:b:2><lora:a:3>')).toMatchObject({
    text: ' x ',
    tags: [
      { name: 'a', weight: 3 },
      { name: 'b', weight: 2 },
    ],
  });
  for (const plain of ['a <b> lora:x:1', '<lora:>', '<hypernet:x:1>', '<lora:a\nb:1>', '<Lora:x:1>'])
    expect(takeLoraTags(plain)).toEqual({ text: plain, tags: [] });
  expect(takeLoraTags(loraTag('my LoRA', 0.25)).tags).toMatchObject([{ name: 'my LoRA', weight: 0.25 }]);
});

test('a long prompt of half tags is read in one pass', () => {
  const { text, tags } = takeLoraTags('<lora:a:'.repeat(20_000));
  expect([text.length, tags.length]).toEqual([160_000, 0]);
});
