// rows += scale · up · down in WebAssembly's SIMD, on a memory of its own: JavaScript's numbers are f64, one at a time.
// The code is written here as bytes, by the words of its text format. 4 rows by 8 columns are summed at once, in eight
// vectors of four f32, over all ranks; then they are scaled and added to the rows. Product and sum are two
// instructions: the one of relaxed SIMD is a quarter faster, and gives other bits on other machines.

/** Addresses and strides in bytes. */
export interface ProductKernel {
  readonly memory: WebAssembly.Memory;
  /**
   * @param rows [count, …], `stride` apart. @param up [count, rank]. @param down [panels, rank, 8].
   * @param count of rows, a multiple of 4, above 0. @param panels of 8 columns, above 0.
   */
  readonly add: (
    rows: number,
    up: number,
    down: number,
    count: number,
    panels: number,
    rank: number,
    stride: number,
    scale: number,
  ) => void;
}

export const ROWS = 4;
export const COLUMNS = 8;

let made: ProductKernel | null = null;

/** One for all: who calls fills the memory before each call. */
export function productKernel(): ProductKernel {
  made ??= new WebAssembly.Instance(new WebAssembly.Module(moduleBytes())).exports as unknown as ProductKernel;
  return made;
}

type Code = readonly number[];

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const VOID = 0x40;

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
const int = (value: number): Code => [0x41, ...signed(value)];
const quarter = (value: Code): Code => [...value, ...int(2), 0x76];
const plus = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
const times = (a: Code, b: Code): Code => [...a, ...b, 0x6c];
const step = (local: number, by: Code): Code => [...plus(get(local), by), ...set(local)];
/** Runs `body` `count` times, at least once; the local counts down. */
const repeat = (local: number, count: Code, body: Code): Code => [
  ...count,
  ...set(local),
  ...[0x03, VOID],
  ...body,
  ...get(local),
  ...int(1),
  ...[0x6b, 0x22, local, 0x0d, 0, 0x0b],
];
/** What begins with 0xfd: v128.load 0, v128.load32_splat 9, v128.store 0x0b, v128.const 0x0c, f32x4.splat 0x13. */
const vector = (operator: number): Code => [0xfd, ...unsigned(operator)];
const at = (offset: number): Code => [2, ...unsigned(offset)];
const load = (address: Code, offset = 0): Code => [...address, ...vector(0x00), ...at(offset)];
const loadSplat = (address: Code): Code => [...address, ...vector(0x09), ...at(0)];
const store = (address: Code, value: Code, offset: number): Code => [
  ...address,
  ...value,
  ...vector(0x0b),
  ...at(offset),
];
const zeros: Code = [...vector(0x0c), ...new Array<number>(16).fill(0)];
const add = (a: Code, b: Code): Code => [...a, ...b, ...vector(0xe4)];
const multiply = (a: Code, b: Code): Code => [...a, ...b, ...vector(0xe6)];

// The locals: parameters first, then counters and addresses, then the eight sums and three more vectors.
const [rows, up, down, count, panels, rank, stride, scale] = [0, 1, 2, 3, 4, 5, 6, 7];
const [panel, block, p, row, d, u0, u1, u2, u3] = [8, 9, 10, 11, 12, 13, 14, 15, 16];
const SUMS = 17;
const [left, right, factor] = [25, 26, 27];

function body(): Code {
  const uses = [u0, u1, u2, u3];
  const halves = [left, right];
  const sum = (which: number, half: number) => SUMS + 2 * which + half;
  const overRanks = repeat(p, get(rank), [
    ...halves.flatMap((half, index) => [...load(get(d), 16 * index), ...set(half)]),
    ...uses.flatMap((use, which) => [
      ...loadSplat(get(use)),
      ...set(factor),
      ...halves.flatMap((half, index) => [
        ...add(multiply(get(factor), get(half)), get(sum(which, index))),
        ...set(sum(which, index)),
      ]),
      ...step(use, int(4)),
    ]),
    ...step(d, int(4 * COLUMNS)),
  ]);
  const addToRows = uses.flatMap((_, which) => [
    ...halves.flatMap((__, half) =>
      store(get(row), add(load(get(row), 16 * half), multiply(get(sum(which, half)), get(factor))), 16 * half),
    ),
    ...step(row, get(stride)),
  ]);
  return repeat(panel, get(panels), [
    ...[...get(rows), ...set(row), ...get(up), ...set(u0)],
    ...repeat(block, quarter(get(count)), [
      ...[u1, u2, u3].flatMap((use, index) => [...plus(get(uses[index]!), times(get(rank), int(4))), ...set(use)]),
      ...Array.from({ length: 8 }, (_, index) => [...zeros, ...set(SUMS + index)]).flat(),
      ...[...get(down), ...set(d)],
      ...overRanks,
      // Of the last of the four rows, which is where the next four begin.
      ...[...get(u3), ...set(u0)],
      ...[...get(scale), ...vector(0x13), ...set(factor)],
      ...addToRows,
    ]),
    ...[...get(d), ...set(down)],
    ...step(rows, int(4 * COLUMNS)),
  ]);
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: Code): Code => [id, ...sized(content)];
  const name = (text: string): Code => sized([...new TextEncoder().encode(text)]);
  const parameters = [I32, I32, I32, I32, I32, I32, I32, F32];
  const locals = [2, SUMS - panel, I32, factor - SUMS + 1, V128];
  const code = sized([...locals, ...body(), 0x0b]);
  // One type, one function, one memory, two exports.
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...sized(parameters), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('add'), 0, 0]),
    ...section(10, [1, ...code]),
  ]);
}

/** With their number before them. */
function sized(content: Code): Code {
  return [...unsigned(content.length), ...content];
}

/** LEB128, here of small numbers. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
