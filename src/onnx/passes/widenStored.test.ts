// The built-in UNet keeps its weights in f16. That it predicts the same is held by the engine's tests, which run it so.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { FLOAT, FLOAT16 } from '../file/model';
import { readModel } from '../file/read';
import { widenStored } from './widenStored';

test('no large weight passes a Cast any more, and none is lost', async () => {
  const before = await readModel(await openAsBlob('public/models/pocket/unet/model.onnx'), 'model.onnx');
  const after = widenStored(before);
  const stored = [...before.initializers.values()].filter(({ dataType, range }) => dataType === FLOAT16 && range);
  const widened = [...after.initializers.values()].filter(({ range }) => range?.cast);
  expect(stored.length).toBeGreaterThan(100);
  expect(widened.map(({ range, dims, dataType }) => [range?.offset, range?.length, dims, dataType])).toEqual(
    stored.map(({ range, dims }) => [range?.offset, range?.length, dims, FLOAT]),
  );
  expect(before.nodes.length - after.nodes.length).toBe(stored.length);
  const made = new Set([
    ...after.nodes.flatMap((node) => node.outputs),
    ...after.initializers.keys(),
    ...after.inputs.map(({ name }) => name),
    '',
  ]);
  expect(after.nodes.flatMap((node) => node.inputs).filter((name) => !made.has(name))).toEqual([]);
  expect(widenStored(after)).toBe(after);
});

test('a weight that is read as f16 too stays beside the widened one', async () => {
  const model = await readModel(await openAsBlob('public/models/pocket/unet/model.onnx'), 'model.onnx');
  const cast = model.nodes.find(
    (node) => node.opType === 'Cast' && model.initializers.get(node.inputs[0] ?? '')?.range,
  );
  const weight = cast?.inputs[0] ?? '';
  const reader = {
    ...(cast as (typeof model.nodes)[number]),
    name: 'reader',
    opType: 'Identity',
    outputs: ['read as it is'],
  };
  const after = widenStored({ ...model, nodes: [...model.nodes, reader] });
  expect([after.initializers.get(weight)?.dataType, after.initializers.get(cast?.outputs[0] ?? '')?.dataType]).toEqual([
    FLOAT16,
    FLOAT,
  ]);
});
