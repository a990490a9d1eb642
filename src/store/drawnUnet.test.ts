import { describe, expect, it, test } from 'vitest';
import type { SiteInfo } from '../protocol/loaded';
import { chosenSites, drawUnet } from './drawnUnet';

const site = (name: string, comfyName: string, tokens: number, share: number): SiteInfo => ({
  name: `${name}.transformer_blocks.0.attn1`,
  comfyName,
  block: name.startsWith('mid') ? 'mid' : name.startsWith('up') ? 'up' : 'down',
  heads: 8,
  tokens,
  share,
});
// Stable Diffusion 1.x in outline: the last level has no attention.
const SITES = [
  site('down_blocks.0.attentions.0', 'd0', 4096, 0.98),
  site('down_blocks.1.attentions.0', 'd1', 1024, 0.9),
  site('mid_block.attentions.0', 'm0', 64, 0.68),
  site('up_blocks.2.attentions.0', 'u0', 1024, 0.5),
  site('up_blocks.3.attentions.0', 'u1', 4096, 0.2),
];
const MODEL = { sites: SITES, levels: 4 };
const names = (layers: string) => chosenSites(layers, SITES) as ReadonlySet<string>;

describe('the drawing of a UNet', () => {
  it('has the blocks of each resolution beside one another', () => {
    const { levels, mid } = drawUnet(MODEL, names('mid'));
    expect(levels.map(({ down, up }) => [down.name, up.name, down.sites.length, up.sites.length])).toEqual([
      ['down_blocks.0', 'up_blocks.3', 1, 1],
      ['down_blocks.1', 'up_blocks.2', 1, 1],
      ['down_blocks.2', 'up_blocks.1', 0, 0],
      ['down_blocks.3', 'up_blocks.0', 0, 0],
    ]);
    expect([levels[0]!.down.tokens, levels[2]!.down.tokens, mid.tokens]).toEqual([4096, null, 64]);
  });

  it('shares what lies before the first perturbed site and repeats what lies behind it', () => {
    const roles = (layers: string) => {
      const { levels, mid } = drawUnet(MODEL, names(layers));
      return [...levels.flatMap(({ down, up }) => [...down.sites, ...up.sites]), ...mid.sites].map((drawn) => [
        drawn.site.comfyName,
        drawn.role,
      ]);
    };
    expect(Object.fromEntries(roles('mid'))).toEqual({
      d0: 'shared',
      d1: 'shared',
      m0: 'perturbed',
      u0: 'repeated',
      u1: 'repeated',
    });
    expect(Object.fromEntries(roles('d1,u1'))).toEqual({
      d0: 'shared',
      d1: 'perturbed',
      m0: 'repeated',
      u0: 'repeated',
      u1: 'perturbed',
    });
  });

  it('costs what the first perturbed site leaves, and nothing where there is none', () => {
    expect(drawUnet(MODEL, names('mid,u1')).share).toBe(0.68);
    expect(drawUnet(MODEL, new Set()).share).toBe(0);
    expect(drawUnet({ sites: [{ ...SITES[0]!, share: null }], levels: 1 }, names('d0')).share).toBeNull();
  });
});

test('a set that names nothing is answered with what is wrong', () => {
  expect(chosenSites('d9', SITES)).toMatch(/d9/);
});
