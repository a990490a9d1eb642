// Whether what a device replays of a recording is what it computes. Nothing is taken on trust here; captureCheck asks
// the smallest such question.

/** A replay gave other numbers than a run that is sent anew. */
export class WrongReplay extends Error {}

/** `recorded`: recorded at the first run, and replayed from then on. `anew`: an ordinary run of the same sessions. */
export type RunWay = 'recorded' | 'anew';

/**
 * Recorded with zeros, replayed with the input that is given, which must be bit by bit what an ordinary run makes of
 * it. So whatever a recording lacks is noticed, such as a copy in the midst of a graph: it still has what zeros left.
 * @param run what comes of the input that is given, or of zeros in its place.
 * @throws WrongReplay
 */
export async function proveReplay(
  run: (input: 'given' | 'zeros', way: RunWay) => Promise<Float32Array>,
): Promise<void> {
  const other = await run('zeros', 'recorded');
  const replayed = await run('given', 'recorded');
  const anew = await run('given', 'anew');
  // Where the numbers have run away other inputs may give the same.
  const tells = anew.every(Number.isFinite);
  if (!equal(replayed, anew) || (tells && equal(anew, other))) throw new WrongReplay();
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, index) => Object.is(value, b[index]));
}
