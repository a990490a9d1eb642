// ComfyUI's emphasis: (x) weighs 1.1 times what is around it, (x:1.3) weighs 1.3 whatever is around it. Square brackets
// are words, and so is a parenthesis without its partner; \( and \) are words too. There is no BREAK. The number is one
// of Python's floats, behind the last colon, which must not come first.

import type { Piece } from './pieces';

const ROUND = 1.1;
const FLOAT = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

/** A UTF-16 unit of the prompt; `bare` is none that a backslash stood before. */
interface Unit {
  readonly sign: string;
  readonly at: number;
  readonly bare: boolean;
}

/** In order; one empty piece where there is nothing. Throws nothing. */
export function comfyPieces(prompt: string): readonly Piece[] {
  const units: Unit[] = [];
  for (let at = 0; at < prompt.length; at += 1) {
    const isEscape = prompt[at] === '\\' && (prompt[at + 1] === '(' || prompt[at + 1] === ')');
    if (isEscape) at += 1;
    units.push({ sign: prompt[at]!, at, bare: !isEscape });
  }
  const pieces = weighed(units, 1);
  return pieces.length > 0 ? pieces : [{ text: '', weight: 1, from: [] }];
}

function weighed(units: readonly Unit[], around: number): Piece[] {
  return groups(units).flatMap((group) => {
    if (!(group.length >= 2 && is(group[0], '(') && is(group.at(-1), ')'))) return [piece(group, around)];
    const inside = group.slice(1, -1);
    const colon = inside.findLastIndex(({ sign }) => sign === ':');
    const written = textOf(inside.slice(colon + 1));
    const own = colon > 0 && FLOAT.test(written) ? Number(written) : NaN;
    return Number.isFinite(own) ? weighed(inside.slice(0, colon), own) : weighed(inside, around * ROUND);
  });
}

/** What stands in outer parentheses, with these, and what stands between. */
function groups(units: readonly Unit[]): Unit[][] {
  const found: Unit[][] = [];
  let group: Unit[] = [];
  const end = () => {
    if (group.length > 0) found.push(group);
    group = [];
  };
  let depth = 0;
  for (const unit of units) {
    if (is(unit, '(')) {
      if (depth === 0) end();
      depth += 1;
    } else if (is(unit, ')')) depth -= 1;
    group.push(unit);
    if (is(unit, ')') && depth === 0) end();
  }
  end();
  return found;
}

function is(unit: Unit | undefined, sign: string): boolean {
  return unit?.sign === sign && unit.bare;
}

function textOf(units: readonly Unit[]): string {
  return units.map(({ sign }) => sign).join('');
}

function piece(units: readonly Unit[], weight: number): Piece {
  return { text: textOf(units), weight, from: units.map(({ at }) => at) };
}
