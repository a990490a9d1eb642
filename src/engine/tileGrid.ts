// The tiles of a map: each is for an area of its own, which together are the map, and reads a margin around it. All
// read areas of one size, shifted inwards at the edges, so that shaders are compiled once; where the map ends a tile
// ends too, and a convolution's zeros beyond it are those of the whole.

export interface Area {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export interface Tile {
  readonly own: Area;
  readonly read: Area;
}

export interface Edges {
  /** Around what a tile is for. */
  readonly margin: number;
  /** All bounds are multiples of it, but for the map's own end. */
  readonly align: number;
}

/** A tile is for no less than this along an edge: below it is mostly margin. */
const LEAST_EDGE = 8;

/** @param most pixels that a tile should read; more where the least that a tile is for and its margin are more. */
export function tileGrid(
  { height, width }: { readonly height: number; readonly width: number },
  edges: Edges,
  most: number,
): Tile[] {
  const edge = Math.floor(Math.sqrt(most));
  // What one axis leaves the other takes: a map may be wide.
  const rows = spans(height, edges, Math.max(edge, Math.floor(most / width)));
  const tallest = Math.max(...rows.map(({ read }) => read[1] - read[0]));
  const columns = spans(width, edges, Math.floor(most / tallest));
  return rows.flatMap((row) =>
    columns.map((column) => ({ own: area(row.own, column.own), read: area(row.read, column.read) })),
  );
}

type Span = readonly [from: number, to: number];

function area([top, bottom]: Span, [left, right]: Span): Area {
  return { top, bottom, left, right };
}

/** One axis: parts as even as may be, none of which reads more than `most` if that can be. */
function spans(length: number, { margin, align }: Edges, most: number): { readonly own: Span; readonly read: Span }[] {
  if (length <= most) return [{ own: [0, length], read: [0, length] }];
  const fits = Math.max(LEAST_EDGE, align, most - 2 * margin);
  const size = align * Math.ceil(length / Math.ceil(length / fits) / align);
  // So that the last one’s beginning is a multiple too.
  const window = Math.min(length, size + 2 * margin + (length % align));
  return Array.from({ length: Math.ceil(length / size) }, (_, at) => {
    const own: Span = [at * size, Math.min(length, (at + 1) * size)];
    const from = Math.min(Math.max(0, own[0] - margin), length - window);
    return { own, read: [from, from + window] };
  });
}
