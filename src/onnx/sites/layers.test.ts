import { describe, expect, test } from 'vitest';
import { EngineError } from '../../protocol/errors';
import { comfyList, layersText, selectSites } from './layers';
import { nameSites } from './names';

// SDXL's list: d0, d1 two layers each, d2, d3 ten each, m0 ten, u0–u2 ten, u3–u5 two.
const blocks: [string, number, number][] = [
  ['down_blocks.1', 2, 2],
  ['down_blocks.2', 2, 10],
  ['mid_block', 1, 10],
  ['up_blocks.0', 3, 10],
  ['up_blocks.1', 3, 2],
];
const paths = blocks.flatMap(([block, attentions, layers]) =>
  Array.from({ length: attentions }, (_, a) =>
    Array.from({ length: layers }, (_, l) => `${block}.attentions.${a}.transformer_blocks.${l}.attn1`),
  ).flat(),
);
const sites = nameSites(paths);
const names = (layers: string) => selectSites(layers, sites).map((site) => site.comfyName);

describe('ComfyUI notation', () => {
  test('blocks are counted where they bear attention', () => {
    expect(names('d0')).toEqual(['d0.0', 'd0.1']);
    expect(names('u5')).toEqual(['u5.0', 'u5.1']);
    expect(names('m0').length).toBe(10);
  });
  test('ranges are inclusive, over blocks and over layers', () => {
    expect(names('d0-1')).toEqual(['d0.0', 'd0.1', 'd1.0', 'd1.1']);
    expect(names('d0-d1')).toEqual(names('d0-1'));
    expect(names('d2.2-9,d3').length).toBe(18);
    expect(names('m0.4')).toEqual(['m0.4']);
  });
  test.each(['x0', 'd4', 'd0.2', 'd0-9', 'd1-0', 'd0-u1', 'd0.1-5', 'u'])('%s is an error', (layers) => {
    expect(() => names(layers)).toThrow(EngineError);
  });
});

test.each(['all', 'mid', 'down', 'up', 'd0,d1.1,u0-1'])(
  'sites that were chosen one by one are written as short as it goes: %s',
  (text) => {
    expect(layersText(sites, new Set(selectSites(text, sites).map((site) => site.name)))).toBe(text);
  },
);

describe('written in that notation', () => {
  const plain = nameSites(
    [
      'down_blocks.0.attentions.0',
      'down_blocks.0.attentions.1',
      'down_blocks.1.attentions.0',
      'mid_block.attentions.0',
    ].map((block) => `${block}.transformer_blocks.0.attn1`),
  );
  test.each([
    ['d0-d2,m0', 'd0-2,m0'],
    ['m0,d2,d0', 'd0,d2,m0'],
    ['all', 'd0-2,m0'],
    ['down_blocks.0', 'd0-1'],
  ])('%s of one layer a block is %s', (layers, list) => {
    expect(comfyList(selectSites(layers, plain))).toBe(list);
    expect(comfyList(selectSites(layers, plain), plain)).toBe(list);
  });
  test.each([
    ['d0-d3', 'd0.0-1,d1.0-1,d2.0-9,d3.0-9', 'd0-3'],
    ['m0.0', 'm0.0', 'm0.0'],
    ['d2.2-9,d3,u5.1', 'd2.2-9,d3.0-9,u5.1', 'd3,d2.2-9,u5.1'],
    ['d2.0,d2.2-3,d2.9', 'd2.0,d2.2-3,d2.9', 'd2.0,d2.2-3,d2.9'],
  ])('%s of many layers a block is %s, and %s where all are known', (layers, list, short) => {
    const chosen = selectSites(layers, sites);
    expect([comfyList(chosen), comfyList(chosen, sites)]).toEqual([list, short]);
    for (const written of [list, short]) expect(selectSites(written, sites)).toEqual(chosen);
  });
});

describe("diffusers' notation", () => {
  test('whole parts', () => {
    expect(names('mid').length).toBe(10);
    expect(names('down').length).toBe(24);
    expect(names('up').length).toBe(36);
    expect(names('all').length).toBe(sites.length);
  });
  test('blocks and modules, in all spellings', () => {
    expect(names('down.block_1')).toEqual(names('down_blocks.1'));
    expect(names('up.block_0.attentions_1')).toEqual(names('u1'));
    expect(names('mid_block.attentions.0.transformer_blocks.0.attn1')).toEqual(['m0.0']);
    expect(names('["mid", "down.block_1"]').length).toBe(14);
  });
  test('names match at dots only', () => {
    const far = nameSites([
      'down_blocks.1.attentions.0.transformer_blocks.0.attn1',
      'down_blocks.10.attentions.0.transformer_blocks.0.attn1',
    ]);
    expect(selectSites('down_blocks.1', far).map((site) => site.comfyName)).toEqual(['d0']);
    expect(selectSites('mid_block.attentions.0.transformer_blocks.1', sites).map((site) => site.comfyName)).toEqual([
      'm0.1',
    ]);
  });
  test.each(['', 'middle', 'down_blocks.9', 'mid_block.attentions.0.transformer_blocks.0.attn2', 'attn1'])(
    '“%s” is an error that lists the sites',
    (layers) => {
      try {
        names(layers);
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'layers-not-found' });
        expect((error as EngineError).detail.split('\n')).toHaveLength(sites.length);
      }
    },
  );
});
