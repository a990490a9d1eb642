// A site has two names: diffusers' module path and ComfyUI's block name (d, m, u: input, middle and output
// blocks; N counts the attention-bearing blocks of that kind in order of execution; `.i` the transformer layer
// where a block has several).

export type Block = 'down' | 'mid' | 'up';

export interface SiteName {
  readonly name: string;
  readonly comfyName: string;
  readonly block: Block;
}

const MODULE =
  /((?:down_blocks|up_blocks)\.\d+|mid_block)\.attentions\.(\d+)\.transformer_blocks\.(\d+)\.attn1(?=\.|$)/;

/** diffusers' module path inside an exporter's node or weight name, null where there is none. */
export function modulePath(text: string): string | null {
  return MODULE.exec(text.replaceAll('/', '.'))?.[0] ?? null;
}

/** Names for sites in order of execution; a site whose graph carries no name is called by its position. */
export function nameSites(paths: readonly (string | null)[]): SiteName[] {
  const layers = new Map<string, number>();
  const order = new Map<Block, string[]>([
    ['down', []],
    ['mid', []],
    ['up', []],
  ]);
  const parsed = paths.map((path, index) => {
    const match = path === null ? null : MODULE.exec(path);
    const block: Block = match?.[1]?.startsWith('down') ? 'down' : match?.[1]?.startsWith('up') ? 'up' : 'mid';
    const owner = match ? `${match[1]}.attentions.${match[2]}` : `site.${index}`;
    const layer = match ? Number(match[3]) : 0;
    const owners = order.get(block) as string[];
    if (!owners.includes(owner)) owners.push(owner);
    layers.set(owner, Math.max(layers.get(owner) ?? 0, layer + 1));
    return { name: path ?? `site.${index}`, block, owner, layer };
  });
  return parsed.map(({ name, block, owner, layer }) => {
    const number = (order.get(block) as string[]).indexOf(owner);
    const suffix = (layers.get(owner) ?? 1) > 1 ? `.${layer}` : '';
    return { name, comfyName: `${block[0]}${number}${suffix}`, block };
  });
}
