// Values of an axis as A1111's X/Y/Z plot reads them: a list with commas, quotes around an item that has some, or a
// line each; of numbers also `1-5`, `1-10 (+3)`, `10-1 (-3)` and `1-10 [4]`. As there, the end of a range of whole
// numbers is reached upwards and not downwards, and what lies between counted numbers is cut to whole ones.

/** More than any series has cells. */
const MOST = 1000;

/** Items as they were written, without the quotes. */
export function listItems(text: string): string[] {
  const items = text.includes('\n') ? text.split('\n') : splitList(text);
  return items.map((item) => item.trim()).filter((item) => item !== '');
}

/** The quote must stand at the very beginning of the item; two of them inside stand for one. */
function splitList(text: string): string[] {
  const items: string[] = [];
  const pattern = /\s*"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)/y;
  while (pattern.lastIndex < text.length) {
    const [, quoted, plain = ''] = pattern.exec(text)!;
    items.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return items;
}

const NUMBER = String.raw`([+-]?(?:\d+(?:\.\d*)?|\.\d+))`;
const RANGE = new RegExp(String.raw`^\s*${NUMBER}\s*-\s*${NUMBER}\s*(?:\(([+-]\d+(?:\.\d*)?)\s*\))?\s*$`);
const COUNT = new RegExp(String.raw`^\s*${NUMBER}\s*-\s*${NUMBER}\s*\[(\d+)\s*\]\s*$`);

/** Numbers that one item stands for; null where it is none. Not a number is not among them. */
export function numbersOf(item: string, whole: boolean): number[] | null {
  const range = RANGE.exec(item);
  if (range) {
    const [start, end] = [Number(range[1]), Number(range[2])];
    const step = range[3] === undefined ? 1 : Number(range[3]);
    if (step === 0 || (whole && ![start, end, step].every(Number.isInteger))) return null;
    return whole ? wholeRange(start, end + 1, step) : floatRange(start, end + step, step);
  }
  const counted = COUNT.exec(item);
  if (counted) {
    const [start, end, count] = [Number(counted[1]), Number(counted[2]), Math.min(MOST, Number(counted[3]))];
    const at = (index: number) => (count === 1 ? start : start + ((end - start) * index) / (count - 1));
    return Array.from({ length: count }, (_, index) => (whole ? Math.trunc(at(index)) : rounded(at(index))));
  }
  const number = Number(item);
  return item.trim() === '' || !Number.isFinite(number) || (whole && !Number.isInteger(number)) ? null : [number];
}

/** Python's `range`. */
function wholeRange(start: number, stop: number, step: number): number[] {
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return Array.from({ length: Math.min(MOST, count) }, (_, index) => start + index * step);
}

/** NumPy's `arange`, without the number beyond the end that rounding adds there at times. */
function floatRange(start: number, stop: number, step: number): number[] {
  const count = Math.max(0, Math.ceil((stop - start) / step - 1e-9));
  return Array.from({ length: Math.min(MOST, count) }, (_, index) => rounded(start + index * step));
}

/** Eight places, as A1111 shows them. */
function rounded(value: number): number {
  return Math.round(value * 1e8) / 1e8;
}
