// A VAE's decoder of which no more is in the device's memory at once than its beginning, where maps are small, or a
// tile of its end: for pictures whose maps are larger than the buffers that a device grants, or than its memory.
//
//   latents → beginning, whole → map → part 1 in tiles → maps → part 2 in tiles → … → picture
//
// The end is cut in front of each norm (onnx/passes/tailInTiles). What goes from one part to the next is kept whole
// beside the device, as f32, and gives each tile the margin that its convolutions read; the norms' means and variances
// are those of the whole. So the tiles abut, and the picture is the one that is decoded whole, but for rounding.

import { factsAt } from '../onnx/graph/factsOf';
import { FLOAT16 } from '../onnx/file/model';
import { graphNeeds, type GraphNeeds } from '../onnx/graph/needs';
import { Graph } from '../onnx/graph/graph';
import { reachOf, type Reach } from '../onnx/passes/reach';
import { splits, type NormPlace, type Split } from '../onnx/passes/tailInTiles';
import { cut, type Segment } from '../onnx/segments/cut';
import { elements, type Backend, type DeviceTensor, type Session, type Tensors } from './backend';
import { checkpoint } from './checkpoint';
import { pictureOutput, type OnnxFile } from './onnxFile';
import { tileGrid } from './tileGrid';
import { cropped, emptyMap, groupStatistics, putTile, type WholeMap } from './wholeMap';

type Dims = ReadonlyMap<string, readonly number[]>;

/** A part of the end, and how it reaches. */
interface Part {
  readonly segment: Segment<NormPlace>;
  /** The norms whose inputs it reads whole. */
  readonly norms: readonly NormPlace[];
  readonly reach: Reach;
}

/** A graph in two: the beginning, and the parts of the end. */
export interface TiledPlan {
  readonly split: Split;
  readonly parts: readonly Part[];
  /** Of the beginning, at the sizes that were asked for. */
  readonly needs: GraphNeeds;
}

/** Of the widest map of a tile: large enough for a GPU to be busy, and small beside what the whole takes. */
const TILE_BYTES = 2 ** 25;

/**
 * Ways to decode these sizes in tiles, those with the largest beginning first: it runs quickest. None where the graph
 * cannot be told apart so.
 */
export function tiledPlans(file: OnnxFile, output: string, dims: Dims): TiledPlan[] {
  const facts = factsAt(file.graph.model, dims);
  return splits(file.graph, facts, output).flatMap((split) => {
    const segments = cut<NormPlace>(new Graph(split.end), split.norms);
    const parts = segments.map((segment, at) => {
      const norms = segments[at - 1]?.sites ?? [];
      const factors = split.norms.flatMap(({ scale, shift }) => [scale, shift]);
      const maps = segment.inputs.filter((name) => !factors.includes(name));
      const shapes = new Map([
        ...facts.shapes,
        ...norms.map(({ q, output: whole }) => [whole, facts.shapes.get(q)!] as const),
      ]);
      const sizes = new Set(maps.map((name) => JSON.stringify(shapes.get(name)?.slice(2))));
      const reach = reachOf({ shapes, values: facts.values }, segment.nodes, {
        maps,
        factors,
        outputs: segment.outputs,
      });
      return reach && sizes.size === 1 ? { segment, norms, reach } : null;
    });
    if (!parts.every((part) => part !== null)) return [];
    return [{ split, parts, needs: graphNeeds(split.beginning, dims) }];
  });
}

/** Bytes of the largest tensor that is whole where it is least; null where the graph cannot be told apart so. */
export function leastInTiles(file: OnnxFile, dims: Dims): number | null {
  return tiledPlans(file, pictureOutput(file), dims).at(-1)?.needs.largestTensor ?? null;
}

/** Sessions of a plan, which are built as they are needed and kept. */
export class TiledGraph {
  private beginning: Promise<Session> | null = null;
  private readonly sessions = new Map<Part, Promise<Session>>();
  private readonly end: OnnxFile;

  constructor(
    private readonly backend: Backend,
    private readonly file: OnnxFile,
    private readonly plan: TiledPlan,
    private readonly mostBytes: number,
  ) {
    this.end = file.withModel(plan.split.end);
  }

  /**
   * The first row of what the graph makes of `feeds`, and in how many tiles it came.
   * @throws EngineError as sessions do; AbortError.
   */
  async run(feeds: Tensors, signal: AbortSignal): Promise<WholeMap & { readonly tiles: number }> {
    const { split, parts } = this.plan;
    const maps = new Map([[split.from, await this.begin(feeds)]]);
    let tiles = 0;
    for (const [at, part] of parts.entries()) {
      tiles = await this.runPart(part, maps, signal);
      const read = new Set(
        parts.slice(at + 1).flatMap(({ segment, norms }) => [...segment.inputs, ...norms.map(({ q }) => q)]),
      );
      const [result] = split.end.outputs;
      for (const name of maps.keys()) if (!read.has(name) && name !== result!.name) maps.delete(name);
    }
    return { ...maps.get(split.end.outputs[0]!.name)!, tiles };
  }

  async dispose(): Promise<void> {
    for (const session of [this.beginning, ...this.sessions.values()]) await (await session)?.dispose();
    this.beginning = null;
    this.sessions.clear();
  }

  private async begin(feeds: Tensors): Promise<WholeMap> {
    const { beginning, from } = this.plan.split;
    const file = this.file.withModel(beginning);
    this.beginning ??= file.session(this.backend, file.upTo([from]));
    const made = await (await this.beginning).run(feeds);
    try {
      const [, ...dims] = made[from]!.dims as [number, number, number, number];
      return { values: (await this.backend.read(made[from]!)).slice(0, elements(dims)), dims };
    } finally {
      for (const tensor of Object.values(made)) tensor.dispose();
    }
  }

  /** Adds what a part makes to `maps`; the number of its tiles. */
  private async runPart(part: Part, maps: Map<string, WholeMap>, signal: AbortSignal): Promise<number> {
    const { segment, norms, reach } = part;
    const wholes = new Map(norms.map(({ q, output }) => [output, q]));
    const factors = this.factors(norms, maps);
    const read = segment.inputs.filter((name) => !factors.has(name));
    const mapOf = (name: string) => maps.get(wholes.get(name) ?? name)!;
    const [, height, width] = mapOf(read[0]!).dims;
    const most = Math.max(1, Math.min(this.mostBytes, TILE_BYTES) / 4 / reach.mostNumbers);
    const tiles = tileGrid({ height, width }, reach, most);
    let session = this.sessions.get(part);
    if (!session) {
      session = this.end.session(this.backend, segment);
      this.sessions.set(part, session);
    }
    const built = await session;
    try {
      for (const tile of tiles) {
        await checkpoint(signal);
        const feeds = Object.fromEntries(
          read.map((name) => [name, this.upload(name, cropped(mapOf(name), tile.read))]),
        );
        let made: Tensors = {};
        try {
          made = await built.run({ ...feeds, ...Object.fromEntries(factors) });
          for (const name of segment.outputs) {
            const scale = reach.scales.get(name)!;
            const tensor = made[name]!;
            const values = await this.backend.read(tensor);
            const [, ...dims] = tensor.dims as [number, number, number, number];
            if (!maps.has(name)) maps.set(name, emptyMap(dims[0], scale * height, scale * width));
            putTile(maps.get(name)!, { values, dims }, tile, scale);
          }
        } finally {
          for (const tensor of [...Object.values(feeds), ...Object.values(made)]) tensor.dispose();
        }
      }
      return tiles.length;
    } finally {
      for (const tensor of factors.values()) tensor.dispose();
    }
  }

  /** scale_c = s_g/√(σ²_g + ε), shift_c = b_g − μ_g·scale_c, by their names. */
  private factors(norms: readonly NormPlace[], maps: ReadonlyMap<string, WholeMap>): Map<string, DeviceTensor> {
    return new Map(
      norms.flatMap(({ q, scale, shift, groups, epsilon, factors, summands }) => {
        const map = maps.get(q)!;
        const { dims } = map;
        const each = dims[0] / groups;
        const statistics = groupStatistics(map, groups);
        const scales = statistics.map(({ variance }, group) => factors[group]! / Math.sqrt(variance + epsilon));
        const shifts = statistics.map(({ mean }, group) => summands[group]! - mean * scales[group]!);
        const channels = (numbers: readonly number[]) =>
          Float32Array.from({ length: dims[0] }, (_, channel) => numbers[Math.floor(channel / each)]!);
        const upload = (numbers: readonly number[]) =>
          this.backend.upload('float32', [1, dims[0], 1, 1], channels(numbers));
        return [[scale, upload(scales)] as const, [shift, upload(shifts)] as const];
      }),
    );
  }

  private upload(name: string, { values, dims }: WholeMap): DeviceTensor {
    const type = this.end.graph.elemType(name) === FLOAT16 ? 'float16' : 'float32';
    return this.backend.upload(type, [1, ...dims], values);
  }
}
