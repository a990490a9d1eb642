// Which operators become one for a GPU, and which stay as they are: those that only look like it. That predictions stay
// what they were is held by the engine's tests (recordedForms.test.ts, capturedUnet.dawn.test.ts).

import { describe, expect, test } from 'vitest';
import type { GraphNode, Model } from '../file/model';
import { floats, ints, op, smallModel } from '../testing/smallModel';
import { withFewerDispatches } from './fewerDispatches';

const kinds = (model: Model) =>
  withFewerDispatches(model).nodes.map(({ opType, outputs }) => `${opType} → ${outputs.join()}`);
const asWritten = (model: Model) => model.nodes.map(({ opType, outputs }) => `${opType} → ${outputs.join()}`);
const ones = (...dims: number[]) =>
  floats(dims, new Array<number>(dims.reduce((product, size) => product * size, 1)).fill(1));

describe('a residual sum and its norm', () => {
  const graph = (a: readonly (number | string)[], b: readonly number[], attributes = {}, beta: GraphNode[] = []) =>
    smallModel(
      { a, b },
      [
        op('Add', ['a', 'b'], ['sum']),
        op('Neg', ['sum'], ['negative']),
        ...beta,
        op('LayerNormalization', ['sum', 'gamma', 'beta'], ['out'], attributes),
      ],
      { gamma: ones(8), ...(beta.length > 0 ? {} : { beta: ones(8) }) },
      ['out', 'negative'],
    );

  test('are one operator with both results, before all readers of the sum', () => {
    expect(kinds(graph([2, 3, 8], [2, 3, 8]))).toEqual(['SkipLayerNormalization → out,,,sum', 'Neg → negative']);
  });

  test.each([
    ['operands that are broadcast', graph([2, 3, 8], [1, 3, 8])],
    ['sizes that are not known', graph(['rows', 3, 8], [2, 3, 8])],
    ['another rank', graph([2, 2, 3, 8], [2, 2, 3, 8])],
    ['another axis', graph([2, 3, 8], [2, 3, 8], { axis: 1 })],
    ['a summand that is made behind the sum', graph([2, 3, 8], [2, 3, 8], {}, [op('Neg', ['gamma'], ['beta'])])],
  ])('stay apart with %s', (_, model) => {
    expect(kinds(model)).toEqual(asWritten(model));
  });
});

describe('factor and summand of a GroupNorm', () => {
  const graph = (factor: readonly number[], norm = 'InstanceNormalization', asked = ['out']) =>
    smallModel(
      { x: [2, 4, 6] },
      [
        op(norm, norm === 'Neg' ? ['x'] : ['x', 'ones', 'ones'], ['groups']),
        op('Reshape', ['groups', 'sizes'], ['whole']),
        op('Mul', ['whole', 'w'], ['scaled']),
        op('Add', ['b', 'scaled'], ['out']),
      ],
      { ones: ones(4), sizes: ints([2, 8, 3, 1]), w: ones(...factor), b: ones(1, 8, 1, 1) },
      asked,
    );

  test('are one operator', () => {
    expect(kinds(graph([8, 1, 1])).filter((kind) => !kind.startsWith('Reshape'))).toEqual([
      'InstanceNormalization → groups',
      'BatchNormalization → out',
    ]);
  });

  test.each([
    ['a factor for each place', graph([8, 3, 1])],
    ['a factor for all', graph([1])],
    ['no norm before them', graph([8, 1, 1], 'Neg')],
  ])('stay apart with %s', (_, model) => {
    expect(kinds(model)).toEqual(asWritten(model));
  });

  test('leave what lies between to whoever else asks for it', () => {
    expect(kinds(graph([8, 1, 1], 'InstanceNormalization', ['out', 'scaled']))).toContain('Mul → scaled');
  });
});

describe('what is added to each channel of a convolution', () => {
  const graph = (image: string) =>
    smallModel(
      { x: [2, 4, 3, 3], embedding: [2, 4], other: [2, 4, 3, 3] },
      [
        op('Conv', ['x', 'w'], ['convolved']),
        op('Unsqueeze', ['embedding', 'two'], ['spread']),
        op('Unsqueeze', ['spread', 'three'], ['wide']),
        op('Add', [image, 'wide'], ['out']),
      ],
      { w: ones(4, 4, 1, 1), two: ints([2]), three: ints([3]) },
      image === 'convolved' ? ['out'] : ['out', 'convolved'],
    );

  test('is spread with its channels last', () => {
    expect(kinds(graph('convolved'))).toEqual([
      'Conv → convolved',
      'Reshape → wide.last',
      'Transpose → wide',
      'Add → out',
    ]);
  });

  test('stays as it is where it is added to anything else', () => {
    expect(kinds(graph('other'))).toEqual(asWritten(graph('other')));
  });
});
