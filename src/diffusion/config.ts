// Reads a diffusers `scheduler_config.json`: defaults filled in, and everything that would change the
// numbers in a way that this code does not follow refused by name, because a silently different image
// is worse than an error. As in diffusers, a scheduler ignores the fields of other schedulers' configs.

import type { PredictionType, SchedulerConfig } from './types';

export type ConfigSpacing = 'linspace' | 'leading' | 'trailing' | 'turbo';
export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';

/** What every scheduler reads, with diffusers' defaults in the place of absent fields. */
export interface ReadConfig {
  readonly trainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  readonly predictionType: PredictionType;
  readonly spacing: ConfigSpacing;
  readonly stepsOffset: number;
  /**
   * Betas rescaled to zero terminal SNR (arXiv 2305.08891, algorithm 1):
   * the last ᾱ is 0, or 2⁻²⁴ where σ must be finite.
   */
  readonly zeroTerminalSnr: 'no' | 'exact' | 'finite';
}

/** How one scheduler reads the config. */
export interface ConfigReader {
  /** The scheduler's name, for errors. */
  readonly scheduler: string;
  /** The default of `timestep_spacing`, which differs by scheduler. */
  readonly spacing: ConfigSpacing;
  /** The defaults of `beta_start`, `beta_end` and `beta_schedule`, where they are not 0.0001, 0.02 and linear. */
  readonly betas?: { readonly start: number; readonly end: number; readonly schedule: BetaSchedule };
  /** epsilon and v_prediction where absent. */
  readonly predictsSample?: true;
  /** How `rescale_betas_zero_snr` is followed; diffusers' class has no such field, and ignores it, where absent. */
  readonly zeroTerminalSnr?: 'exact' | 'finite';
  /** Fields that this scheduler has in diffusers, and the values followed here; the first is the default. */
  readonly follows: { readonly [field in keyof SchedulerConfig]: readonly unknown[] };
}

/** A field of every scheduler that would replace the β of the named schedules. */
const COMMON_FIELDS: ConfigReader['follows'] = { trained_betas: [null] };

/** Throws an Error that names the field and its value, or the number of steps, where it cannot be served. */
export function readConfig(config: SchedulerConfig, steps: number, reader: ConfigReader): ReadConfig {
  for (const [field, followed] of Object.entries({ ...COMMON_FIELDS, ...reader.follows })) {
    requireOneOf(config, field as keyof SchedulerConfig, followed, reader.scheduler);
  }
  const choose = <T extends string>(field: keyof SchedulerConfig, values: readonly T[]): T =>
    requireOneOf(config, field, values, reader.scheduler);
  const spacings = ['linspace', 'leading', 'trailing', 'turbo'] as const;

  const read: ReadConfig = {
    trainTimesteps: config.num_train_timesteps ?? 1000,
    betaStart: config.beta_start ?? reader.betas?.start ?? 0.0001,
    betaEnd: config.beta_end ?? reader.betas?.end ?? 0.02,
    betaSchedule: choose('beta_schedule', [
      reader.betas?.schedule ?? 'linear',
      'linear',
      'scaled_linear',
      'squaredcos_cap_v2',
    ]),
    predictionType: choose(
      'prediction_type',
      reader.predictsSample ? ['epsilon', 'v_prediction', 'sample'] : ['epsilon', 'v_prediction'],
    ),
    spacing: choose('timestep_spacing', [reader.spacing, ...spacings]),
    stepsOffset: config.steps_offset ?? 0,
    zeroTerminalSnr: (config.rescale_betas_zero_snr && reader.zeroTerminalSnr) || 'no',
  };
  requireWhole('num_train_timesteps', read.trainTimesteps, 2, Infinity);
  requireWhole('steps_offset', read.stepsOffset, 0, Infinity);
  requireWhole('The number of steps', steps, 1, read.trainTimesteps);
  return read;
}

/** How far D is clamped, as a record has it; nothing where the config does not ask for it. */
export function clipping(
  { clip_sample, clip_sample_range = 1 }: SchedulerConfig,
  byDefault: boolean,
): { clip?: number } {
  if (!(clip_sample ?? byDefault)) return {};
  if (clip_sample_range > 0) return { clip: clip_sample_range };
  throw new Error(`clip_sample_range must be above 0, not ${clip_sample_range}.`);
}

/** The field's value, or the first of `values` where it is absent or null. */
function requireOneOf<T>(
  config: SchedulerConfig,
  field: keyof SchedulerConfig,
  values: readonly T[],
  scheduler: string,
): T {
  const given = config[field] ?? null;
  const isEmpty = (list: unknown) => Array.isArray(list) && list.length === 0;
  const value =
    given === null ? values[0] : values.find((followed) => followed === given || (isEmpty(followed) && isEmpty(given)));
  if (value !== undefined) return value;
  throw new Error(
    `The scheduler config has ${field} = ${JSON.stringify(given).slice(0, 200)}, ` +
      `which ${scheduler} does not support here.`,
  );
}

function requireWhole(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const range = high === Infinity ? `at least ${low}` : `${low} to ${high}`;
  throw new Error(`${name} must be a whole number, ${range}, not ${value}.`);
}
