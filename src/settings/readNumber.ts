// A number as people write it: digits of any script, full-width signs, a decimal point or comma, and groups of digits
// set apart by spaces, apostrophes, commas or points. Of two kinds of signs the last one is the decimal sign; one sign
// with three digits behind it can mean two numbers ("1,000"), and what was taken is for the reader to say.

export interface ReadNumber {
  /** NaN where it is no number. */
  readonly value: number;
  /** Whether another reader would take another number. */
  readonly doubtful: boolean;
}

/** Groups of three, or India's of two with three at the end. */
const GROUPS = /^[1-9]\d{0,2}(,\d{3})+$|^[1-9]\d?(,\d{2})+,\d{3}$/;

/**
 * @param whole whether a whole number is wanted: then a point before three digits sets a group apart, as a comma does.
 */
export function readNumber(text: string, whole: boolean): ReadNumber {
  const plain = inAscii(text);
  const [, sign = '', digits = '', exponent = ''] = /^([+-]?)([\d.,]*)(e[+-]?\d+)?$/i.exec(plain) ?? [];
  if (digits === '') return { value: plain === '' ? NaN : Number(plain), doubtful: false };
  const { decimal, doubtful } = decimalOf(digits, whole);
  return { value: decimal === null ? NaN : Number(`${sign}${decimal}${exponent}`), doubtful };
}

/** Digits, signs and separators in ASCII, without groups that only a group separator can make. */
function inAscii(text: string): string {
  const ascii = text
    .trim()
    .replace(/[\u061c\u200e\u200f\u2066-\u2069]/g, '') // marks that turn the direction of writing
    .replace(/\p{Nd}/gu, digitValue)
    .replace(/[−‐‑–﹣－]/g, '-')
    .replace('＋', '+')
    .replace(/[．]/g, '.')
    .replace(/[，﹐]/g, ',');
  // Arabic has signs of its own, which mean one thing each.
  const arabic = /^[^.,]*[٫٬]/.test(ascii) ? ascii.replaceAll('٬', '').replace('٫', '.') : ascii;
  return /^[+-]?\d{1,3}(?:[\s'’_]\d{3})+(?:[.,]\d*)?$/.test(arabic)
    ? arabic.replace(/[\s'’_]/g, '')
    : arabic.replace(/^([+-])\s+/, '$1');
}

/** Decimal digits stand in rows of ten from 0 to 9, some scripts with several rows side by side. */
function digitValue(digit: string): string {
  const code = digit.codePointAt(0) as number;
  let first = code;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((code - first) % 10);
}

/** As JavaScript writes it; null where the signs make no number. */
function decimalOf(digits: string, whole: boolean): { decimal: string | null; doubtful: boolean } {
  const last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
  if (last < 0) return { decimal: digits, doubtful: false };
  const sign = digits[last] as '.' | ',';
  const count = digits.split(sign).length - 1;
  const withCommas = digits.replaceAll('.', ',');
  if (/\.\d*,|,\d*\./.test(digits) || digits.includes(sign === '.' ? ',' : '.')) {
    const head = withCommas.slice(0, last);
    const isGrouped = count === 1 && GROUPS.test(head);
    return { decimal: isGrouped ? `${head.replaceAll(',', '')}.${digits.slice(last + 1)}` : null, doubtful: false };
  }
  if (count > 1) return { decimal: GROUPS.test(withCommas) ? withCommas.replaceAll(',', '') : null, doubtful: false };
  const isDoubtful = GROUPS.test(withCommas) && (sign === ',' || whole);
  const decimal = isDoubtful ? withCommas.replace(',', '') : digits.replace(',', '.');
  return { decimal: decimal === '.' ? null : decimal, doubtful: isDoubtful };
}
