// How far a prediction may lie from diffusers': the largest difference, relative to the largest value.

/**
 * f32 on the CPU against diffusers with the same weights and the same constants: sums in another order.
 * A rounding to 24 bits has the size 2⁻²⁴ = 6e-8 of what it rounds, and errors without a common cause add up as
 * a random walk: the longest way through these UNets has some 150 operators and 15 of them sum 72 to 288 products, in
 * all R ≈ 2000 roundings, so 3·√R·2⁻²⁴ = 8e-6 is three standard deviations. Twice that leaves room for exp and erf.
 * It holds for f16 files too, which the CPU runs in f32: their goldens have the constants rounded that the file has.
 */
export const CPU_F32 = 2e-5;

/** f32 on a GPU: WGSL allows exp, tanh, division and square roots some 3 units in the last place each: 5 times the CPU's. */
export const GPU_F32 = 1e-4;

/**
 * f16 on a GPU: the same walk with 2⁻¹¹ = 4.9e-4 a rounding. Sums are kept in f32 or in a few f16 parts, so that an operator
 * counts as one rounding of its result, and as one more of what it stored before: R ≈ 300, 3·√R·2⁻¹¹ = 2.5e-2.
 */
export const GPU_F16 = 2.5e-2;
