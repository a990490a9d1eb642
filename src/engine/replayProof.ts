// Whether what a device replays of a recording is what it recorded. Nothing is taken on trust here: see captureCheck
// for the smallest such question.

/** Replays gave other numbers than the run that was recorded. */
export class WrongReplay extends Error {}

/**
 * The first run is an ordinary one that is recorded. It is replayed after one of another input, so that what is left of
 * the first cannot pass for a replay, and must give the same numbers bit by bit.
 * @param run what comes of the input that is given, or of zeros in its place.
 * @param clear empties whatever a replay has to write.
 * @throws WrongReplay
 */
export async function proveReplay(
  run: (input: 'given' | 'zeros') => Promise<Float32Array>,
  clear: () => void,
): Promise<void> {
  const recorded = await run('given');
  const other = await run('zeros');
  clear();
  const replayed = await run('given');
  // Where the numbers have run away other inputs may give the same.
  const tells = recorded.every(Number.isFinite);
  if (!equal(recorded, replayed) || (tells && equal(recorded, other))) throw new WrongReplay();
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, index) => Object.is(value, b[index]));
}
