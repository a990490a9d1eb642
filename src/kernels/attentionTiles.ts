// How the attention kernel divides its work: sizes of the thread grid and of the tiles in workgroup memory,
// from the head dimension and the token count alone. They keep to the limits that every WebGPU device has:
// 256 invocations a workgroup, 16 KiB of workgroup memory.

/** The kernel's constants; attention.wgsl says what each is for. */
export type AttentionTiles = {
  readonly HEAD_VECS: number;
  readonly LANES: number;
  readonly GROUPS: number;
  readonly KEYS_PER_LANE: number;
  readonly DEPTH_TILE: number;
  readonly VALUE_TILE: number;
  readonly STAGE: number;
};

/** 16 KiB in vectors of four f32. */
const WORKGROUP_VECS = 1024;
const MAX_LANES = 16;
const TARGET_KEY_TILE = 32;
/** Above this the sums no longer fit in registers. */
const MAX_HEAD_DIM = 256;

/** Whether headDim is a multiple of 4 in 4 … 256. */
export function takesHeadDim(headDim: number): boolean {
  return Number.isInteger(headDim / 4) && headDim >= 4 && headDim <= MAX_HEAD_DIM;
}

/** @throws RangeError where headDim is no multiple of 4 in 4 … 256. */
export function attentionTiles(headDim: number, tokens: number): AttentionTiles {
  if (!takesHeadDim(headDim)) {
    throw new RangeError(
      `The attention kernel takes head dims that are multiples of 4 up to ${MAX_HEAD_DIM}, not ${headDim}.`,
    );
  }
  const headVecs = headDim / 4;
  const lanes = chooseLanes(headVecs);
  const groups = chooseQueryTile(tokens) / 4;
  const keysPerLane = Math.floor(TARGET_KEY_TILE / lanes);
  const keyTile = keysPerLane * lanes;
  // The weights take keyTile × groups vectors, the reductions one a group; the stage gets the rest, in the largest even
  // slices.
  const stage = WORKGROUP_VECS - (keyTile + 1) * groups;
  const depthSlices = Math.ceil(headVecs / Math.floor(stage / (4 * groups + keyTile)));
  return {
    HEAD_VECS: headVecs,
    LANES: lanes,
    GROUPS: groups,
    KEYS_PER_LANE: keysPerLane,
    DEPTH_TILE: Math.ceil(headVecs / depthSlices),
    VALUE_TILE: largestDivisor(keyTile, Math.floor(stage / headVecs)),
    STAGE: stage,
  };
}

/** The lane count under which the columns of V divide with the fewest lanes idle; of equals the largest. */
function chooseLanes(headVecs: number): number {
  let best = 4;
  for (let lanes = 5; lanes <= MAX_LANES; lanes += 1) {
    if (dealt(headVecs, lanes) <= dealt(headVecs, best)) best = lanes;
  }
  return best;
}

/** Columns that `lanes` lanes work on, idle ones included. */
function dealt(headVecs: number, lanes: number): number {
  return Math.ceil(headVecs / lanes) * lanes;
}

/** Queries a workgroup: many re-use K and V more, few leave less of a small image's last tile empty. */
function chooseQueryTile(tokens: number): 16 | 32 | 64 {
  if (tokens <= 16) return 16;
  return tokens <= 256 ? 32 : 64;
}

function largestDivisor(of: number, atMost: number): number {
  let divisor = Math.min(of, atMost);
  while (of % divisor !== 0) divisor -= 1;
  return divisor;
}
