// UniPC (Zhao et al., arXiv 2302.04867) of order p ≤ solver_order, predicting x₀, as diffusers' UniPCMultistepScheduler
// runs it: a corrector takes D of the new latents to improve the step that led to them, then a predictor goes on. With
// α = 1/√(σ² + 1), β = σ·α, λ = −ln σ, h = λ′ − λ, rₖ = (λ₋ₖ − λ)/h and Dₖ = (D₋ₖ − D)/rₖ, from σ to σ′:
//
//   predictor   x′  = (β′/β)·x + α′(1 − e⁻ʰ)·D − α′B·Σₖ ρₖ·Dₖ,   k = 1 … p − 1
//   corrector   x′ᶜ = the same with ρᶜₖ in the place of ρₖ, and − α′B·ρᶜₚ·(D′ − D)
//
// B = e⁻ʰ − 1 (bh2); ρ solve Vandermonde systems in rₖ (eq. 8 and 12). Both begin with the same terms, so
// x′ᶜ is x′ and a sum of D′, D and earlier D's: a record needs no other sample than its own. The last step goes to
// σ′ = 0 and is of first order, as is every one that has no more D's.

import { readConfig, type ConfigReader } from './config';
import { placeDpmSteps } from './dpmSteps';
import { roundHalfEven } from './timesteps';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'UniPC',
  spacing: 'linspace',
  predictsSample: true,
  zeroTerminalSnr: 'finite',
  follows: {
    thresholding: [false],
    solver_order: [2, 1, 3],
    solver_type: ['bh2', 'midpoint', 'heun', 'logrho'], // diffusers reads the others as bh2; bh1 ends in NaN there
    predict_x0: [true],
    lower_order_final: [true],
    disable_corrector: [[]],
    solver_p: [null],
    final_sigmas_type: ['zero'],
    use_flow_sigmas: [false],
  },
};

export function unipc(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const { sigmas, read: readStep } = placeDpmSteps(config, read, steps, options, roundHalfEven);
  const solverOrder = config.solver_order ?? 2;
  const { skipped = 0 } = options;
  const moves = sigmas.map((_, step) => {
    if (step < skipped) return NO_MOVE;
    const order = Math.min(solverOrder, sigmas.length - step, step + 1 - skipped);
    return solveMove(sigmas.slice(step + 1 - order, step + 1).reverse(), sigmas[step + 1] ?? 0);
  });
  return {
    initNoiseSigma: 1,
    steps: moves.map((move, step) => {
      const correction = moves[step - 1]?.correction ?? [0];
      const { sample, prediction } = move;
      // The factors of D and of the earlier ones; the predictor starts from the corrected sample.
      const length = Math.max(correction.length, prediction.length);
      const [denoised = 0, ...history] = Array.from(
        { length },
        (_, k) => sample * (correction[k] ?? 0) + (prediction[k] ?? 0),
      );
      return { ...readStep(step), next: { sample, denoised, history }, keep: { denoised: 1 } };
    }),
  };
}

/** Of a step that is left out, and so corrected by none. */
const NO_MOVE: Move = { sample: 0, prediction: [], correction: [] };

interface Move {
  /** β′/β. */
  readonly sample: number;
  /** Factors of D, D₋₁, … in the predicted x′. */
  readonly prediction: readonly number[];
  /** Factors of D′, D, D₋₁, … in x′ᶜ − x′. */
  readonly correction: readonly number[];
}

/** @param known σ of the step and of those before it, newest first; as many as the order. */
function solveMove(known: readonly number[], next: number): Move {
  if (next === 0) return { sample: 0, prediction: [1], correction: [] };
  const [sigma, ...earlier] = known as [number, ...number[]];
  const order = known.length;
  const alpha = 1 / Math.hypot(next, 1);
  const h = Math.log(sigma / next);
  const b = Math.expm1(-h);
  const ratios = earlier.map((past) => Math.log(sigma / past) / h);
  const nodes = [...ratios, 1];
  const powers = nodes.map((_, row) => nodes.map((node) => node ** row));
  const moments = phiMoments(-h, order).map((moment) => moment / b);

  const corrected = order === 1 ? [0.5] : solveLinear(powers, moments);
  const predicted =
    order === 2
      ? [0.5]
      : solveLinear(
          powers.slice(0, -1).map((row) => row.slice(0, -1)),
          moments.slice(0, -1),
        );
  // Σₖ weightsₖ·Dₖ as factors of D, D₋₁, …
  const spread = (weights: readonly number[]) => {
    const own = ratios.map((ratio, k) => weights[k]! / ratio);
    return [-own.reduce((sum, factor) => sum + factor, 0), ...own];
  };
  const last = corrected[order - 1]!;
  const [own = 0, ...others] = spread(ratios.map((_, k) => predicted[k]! - corrected[k]!)).map(
    (factor) => alpha * b * factor,
  );
  const [first = 0, ...rest] = spread(predicted).map((factor) => -alpha * b * factor);
  return {
    sample: (next * alpha * Math.hypot(sigma, 1)) / sigma,
    prediction: [first - alpha * b, ...rest],
    correction: [-alpha * b * last, own + alpha * b * last, ...others],
  };
}

/** k!·φₖ₊₁(x)·x for k = 1 … count, φ₁ = (eˣ − 1)/x, φₖ₊₁ = (φₖ − 1/k!)/x. */
function phiMoments(x: number, count: number): number[] {
  const moments: number[] = [];
  let [phi, factorial] = [Math.expm1(x) / x - 1, 1];
  for (let k = 1; k <= count; k += 1) {
    moments.push(phi * factorial);
    factorial *= k + 1;
    phi = phi / x - 1 / factorial;
  }
  return moments;
}

/** A·x = b, by elimination with the largest pivot of each column.
 *  @param matrix rows of A, square and regular. @param right b. */
function solveLinear(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    const below = rows.slice(column).map((row) => Math.abs(row[column]!));
    const pivot = column + below.indexOf(Math.max(...below));
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const top = rows[column]!;
    for (const row of rows) {
      if (row === top) continue;
      const factor = row[column]! / top[column]!;
      for (let at = column; at <= size; at += 1) row[at]! -= factor * top[at]!;
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}
