// How far a prediction may lie from diffusers': the largest difference, relative to the largest value. Each bound is
// three standard deviations of a random walk: a rounding to p bits has the size 2⁻ᵖ of what it rounds, errors without a
// common cause add up as √R, with R roundings on the longest way through the graph, and the layers, which keep the
// variance of what they get, pass them on as they are.

/**
 * f32 on the CPU against diffusers with the same weights and the same constants: sums in another order. The longest way
 * through these UNets has up to 630 operators and, with half the length of each sum, R = 6,100 roundings:
 * 3·√R·2⁻²⁴ = 1.4e-5. The rest is room for exp, erf and sin.
 * It holds for f16 files as well: the CPU runs them in f32, and their goldens have the constants rounded that they
 * have.
 */
export const CPU_F32 = 2e-5;

/**
 * f32 on a GPU: WGSL allows exp, division and square roots three and more units in the last place, and sin more yet:
 * 5 times the CPU's.
 */
export const GPU_F32 = 1e-4;

/**
 * f16 on a GPU: operators keep their sums in f32 or in many short parts, so that each counts as one rounding, of its
 * result. The longest way has R = 400 of them in these files: 3·√R·2⁻¹¹ = 2.9e-2.
 */
export const GPU_F16 = 3e-2;
