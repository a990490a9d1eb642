// The perturbation site: out = (1 − u)·softmax(Q·Kᵀ·scale)·V + u·V, u and the source row per output row.
//
// Q, K, V are [sourceRows, tokens, heads·headDim], out is [rows, tokens, heads·headDim], read as vectors of 4.
// One workgroup makes QUERY_TILE tokens of one head of one output row. It walks the keys KEY_TILE at a time
// with the online softmax of FlashAttention (Dao et al. 2022, algorithm 1), so no tokens × tokens matrix
// exists. Threads form a grid of LANES × GROUPS: a group owns 4 queries; among its lanes both the keys (for
// the logits) and the columns of V (for the output) are dealt out, so each value read from workgroup memory
// is used 4 times. All arithmetic is f32, logits are in base 2 (`scale` includes log₂ e).
//
// The header declares: HEAD_VECS (headDim / 4), LANES, GROUPS, KEYS_PER_LANE, DEPTH_TILE, VALUE_TILE, STAGE.

alias vec4e = vec4<elem>;

struct SiteRow { source: u32, identity: f32 }
struct Params { tokens: u32, heads: u32, headVecs: u32, scale: f32, rows: array<SiteRow> }

@group(0) @binding(0) var<storage, read> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4e>;
@group(0) @binding(2) var<storage, read> keys: array<vec4e>;
@group(0) @binding(3) var<storage, read> values: array<vec4e>;
@group(0) @binding(4) var<storage, read_write> result: array<vec4e>;

const THREADS = LANES * GROUPS;
const QUERY_TILE = 4u * GROUPS;
const KEY_TILE = KEYS_PER_LANE * LANES;
const VECS_PER_LANE = (HEAD_VECS + LANES - 1u) / LANES;
/// Below every logit; finite, since shaders need not honour infinities.
const LOWEST = -3.0e38f;

/// In turn: a slice of Q and K, as [depth, token]; each lane's maximum; a slice of V, as [key, depth].
var<workgroup> stage: array<vec4f, STAGE>;
/// exp2(logit − maximum) of the tile, as [key, group], the group's 4 queries in one vector.
var<workgroup> weights: array<vec4f, KEY_TILE * GROUPS>;

/// One number a query: the tile's maximum, at last the sum of the weights.
var<workgroup> reduced: array<f32, QUERY_TILE>;

/// Where a token's vector of a head begins, in vectors.
fn address(row: u32, token: u32, head: u32) -> u32 {
  return ((row * params.tokens + token) * params.heads + head) * HEAD_VECS;
}

/// A group's four numbers of `reduced`.
fn reducedOf(group: u32) -> vec4f {
  let first = 4u * group;
  return vec4f(reduced[first], reduced[first + 1u], reduced[first + 2u], reduced[first + 3u]);
}

@compute @workgroup_size(LANES, GROUPS)
fn main(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let site = params.rows[tile.z];
  let tokens = params.tokens;
  let head = tile.y;
  let firstQuery = tile.x * QUERY_TILE;

  if (site.identity >= 1.0) {
    for (var i = thread; i < QUERY_TILE * HEAD_VECS; i += THREADS) {
      let token = firstQuery + i / HEAD_VECS;
      if (token < tokens) {
        result[address(tile.z, token, head) + i % HEAD_VECS] =
          values[address(site.source, token, head) + i % HEAD_VECS];
      }
    }
    return;
  }

  let lane = local.x;
  let group = local.y;
  // Sums over keys of weight × value: [column vector, query], and of the weights of this lane's keys.
  var sums: array<array<vec4f, 4>, VECS_PER_LANE>;
  var total = vec4f(0);
  var highest = vec4f(LOWEST);

  for (var firstKey = 0u; firstKey < tokens; firstKey += KEY_TILE) {
    // 1. Logits of 4 queries × KEYS_PER_LANE keys in each thread.
    var logits = array<vec4f, KEYS_PER_LANE>();
    for (var firstDepth = 0u; firstDepth < params.headVecs; firstDepth += DEPTH_TILE) {
      workgroupBarrier();
      for (var i = thread; i < (QUERY_TILE + KEY_TILE) * DEPTH_TILE; i += THREADS) {
        let depth = i % DEPTH_TILE;
        let slot = i / DEPTH_TILE;
        var vector = vec4f(0);
        if (firstDepth + depth < HEAD_VECS) {
          if (slot < QUERY_TILE) {
            let token = firstQuery + slot;
            if (token < tokens) {
              vector = vec4f(queries[address(site.source, token, head) + firstDepth + depth]);
            }
          } else {
            let token = firstKey + slot - QUERY_TILE;
            if (token < tokens) {
              vector = vec4f(keys[address(site.source, token, head) + firstDepth + depth]);
            }
          }
        }
        stage[depth * (QUERY_TILE + KEY_TILE) + slot] = vector;
      }
      workgroupBarrier();
      let depths = min(DEPTH_TILE, params.headVecs - firstDepth);
      for (var depth = 0u; depth < depths; depth++) {
        let base = depth * (QUERY_TILE + KEY_TILE);
        let q0 = stage[base + 4u * group];
        let q1 = stage[base + 4u * group + 1u];
        let q2 = stage[base + 4u * group + 2u];
        let q3 = stage[base + 4u * group + 3u];
        for (var j = 0u; j < KEYS_PER_LANE; j++) {
          let k = stage[base + QUERY_TILE + j * LANES + lane];
          logits[j] += vec4f(dot(q0, k), dot(q1, k), dot(q2, k), dot(q3, k));
        }
      }
    }

    // 2. The new maximum of each query over all lanes; what was summed so far shrinks to match it.
    var laneHighest = vec4f(LOWEST);
    for (var j = 0u; j < KEYS_PER_LANE; j++) {
      let inside = firstKey + j * LANES + lane < tokens;
      logits[j] = select(vec4f(LOWEST), logits[j] * params.scale, inside);
      laneHighest = max(laneHighest, logits[j]);
    }
    workgroupBarrier();
    stage[thread] = laneHighest;
    workgroupBarrier();
    if (thread < QUERY_TILE) {
      var queryHighest = LOWEST;
      for (var i = 0u; i < LANES; i++) {
        queryHighest = max(queryHighest, stage[thread / 4u * LANES + i][thread % 4u]);
      }
      reduced[thread] = queryHighest;
    }
    workgroupBarrier();
    let newHighest = max(highest, reducedOf(group));
    let shrink = exp2(highest - newHighest);
    highest = newHighest;
    total *= shrink;
    for (var j = 0u; j < VECS_PER_LANE; j++) {
      sums[j][0] *= shrink.x;
      sums[j][1] *= shrink.y;
      sums[j][2] *= shrink.z;
      sums[j][3] *= shrink.w;
    }
    for (var j = 0u; j < KEYS_PER_LANE; j++) {
      let weight = exp2(logits[j] - highest);
      total += weight;
      weights[(j * LANES + lane) * GROUPS + group] = weight;
    }

    // 3. Add weights × V, up to the last token.
    let keysHere = min(KEY_TILE, tokens - firstKey);
    for (var firstValue = 0u; firstValue < keysHere; firstValue += VALUE_TILE) {
      let valuesHere = min(VALUE_TILE, keysHere - firstValue);
      workgroupBarrier();
      for (var i = thread; i < valuesHere * HEAD_VECS; i += THREADS) {
        let token = firstKey + firstValue + i / HEAD_VECS;
        stage[i] = vec4f(values[address(site.source, token, head) + i % HEAD_VECS]);
      }
      workgroupBarrier();
      for (var k = 0u; k < valuesHere; k++) {
        let weight = weights[(firstValue + k) * GROUPS + group];
        for (var j = 0u; j < VECS_PER_LANE; j++) {
          // A lane past the last column works on a neighbour's and stores nothing.
          let value = stage[k * HEAD_VECS + min(j * LANES + lane, HEAD_VECS - 1u)];
          sums[j][0] += weight.x * value;
          sums[j][1] += weight.y * value;
          sums[j][2] += weight.z * value;
          sums[j][3] += weight.w * value;
        }
      }
    }
  }

  // 4. The weights' sum over all lanes, division, blend with V.
  workgroupBarrier();
  stage[thread] = total;
  workgroupBarrier();
  if (thread < QUERY_TILE) {
    var queryTotal = 0.0;
    for (var i = 0u; i < LANES; i++) {
      queryTotal += stage[thread / 4u * LANES + i][thread % 4u];
    }
    reduced[thread] = queryTotal;
  }
  workgroupBarrier();
  total = reducedOf(group);
  for (var i = 0u; i < 4u; i++) {
    let token = firstQuery + 4u * group + i;
    if (token < tokens) {
      for (var j = 0u; j < VECS_PER_LANE; j++) {
        let column = j * LANES + lane;
        if (column < HEAD_VECS) {
          var vector = sums[j][i] / total[i];
          if (site.identity > 0.0) {
            let value = vec4f(values[address(site.source, token, head) + column]);
            vector = (1.0 - site.identity) * vector + site.identity * value;
          }
          result[address(tile.z, token, head) + column] = vec4e(vector);
        }
      }
    }
  }
}
