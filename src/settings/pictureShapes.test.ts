import { expect, test } from 'vitest';
import { sameShape, usualShapes } from './pictureShapes';

const shapes = (own: number, multiple: number, isSdxl = false) =>
  usualShapes({ own: { width: own, height: own }, multiple, isFixed: false }, isSdxl).map(
    ({ name, width, height }) => `${name} ${width}×${height}`,
  );

test.each([
  [512, 64, ['Square 512×512', '3:2 576×384', '2:3 384×576', '16:9 704×384', '9:16 384×704']],
  [768, 64, ['Square 768×768', '3:2 960×640', '2:3 640×960', '16:9 1024×576', '9:16 576×1024']],
  [64, 8, ['Square 64×64', '3:2 72×48', '2:3 48×72', '16:9 88×48', '9:16 48×88']],
])('shapes of about the area of %d², in multiples of %d', (own, multiple, expected) => {
  expect(shapes(own, multiple)).toEqual(expected);
});

test('of few multiples each size is there once', () => {
  expect(shapes(64, 16)).toEqual(['Square 64×64', '3:2 80×48', '2:3 48×80']);
});

test('SDXL has its buckets, but where it was distilled at another size', () => {
  const buckets = ['Square 1024×1024', '3:2 1216×832', '2:3 832×1216', '16:9 1344×768', '9:16 768×1344'];
  expect(shapes(1024, 32, true)).toEqual(buckets);
  expect(shapes(512, 32, true)).not.toEqual(buckets);
});

test('a usual shape of one model is that of the next; any other size stays', () => {
  const model = (edge: number, multiple: number, sdxl: boolean) => ({
    sizes: { own: { width: edge, height: edge }, multiple, isFixed: false },
    sdxl,
  });
  const [sd, xl] = [model(512, 64, false), model(1024, 32, true)];
  expect(sameShape({ width: 704, height: 384 }, sd, xl)).toMatchObject({ width: 1344, height: 768 });
  expect(sameShape({ width: 832, height: 1216 }, xl, sd)).toMatchObject({ width: 384, height: 576 });
  expect(sameShape({ width: 640, height: 384 }, sd, xl)).toBeNull();
  expect(sameShape({ width: 704, height: 384 }, sd, model(64, 16, false))).toEqual({ width: 80, height: 48 });
  // What the next model has as its own follows that one.
  expect(sameShape({ width: 512, height: 512 }, sd, xl)).toEqual({ width: 0, height: 0 });
});
