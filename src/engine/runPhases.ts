// The phases of a run that changes on the way: what is perturbed in each, and what it reads. A run that does not change
// has one.

import type { ImageRows } from '../diffusion/imageSteps';
import { planRun, type Made, type PlannedRecord, type PlannedSettings, type RunPlan } from '../diffusion/runPlan';
import { selectSites } from '../onnx/sites/layers';
import type { Site } from '../onnx/sites/sites';
import type { Emphasis } from '../prompt/pieces';
import { EngineError } from '../protocol/errors';
import type { Held } from '../settings/earlierSteps';
import type { Settings } from '../settings/fields';
import type { Conditioning } from './conditioning';
import type { ImageKind } from './keptRuns';
import { conditionRows, withoutSites, type DiffusionModel } from './diffusionModel';

export interface RunPhase {
  readonly held: Held;
  readonly emphasis: Emphasis;
  readonly sites: readonly Site[];
  /** u of each. */
  readonly strengths: ReadonlyMap<Site, number>;
}

/** @throws EngineError `pag-impossible`, or of layers that are not there */
export function runPhase(model: DiffusionModel, { pag, emphasis }: Settings, held: Held): RunPhase {
  const sites = chosenSites(model, held);
  const strengths = new Map(sites.map((site) => [site, pag.siteIdentity[site.name] ?? pag.identity]));
  return { held, emphasis, sites, strengths };
}

/** The cut is the same whatever the PAG scale, so that scale 0 is bit-equal to CFG alone. */
function chosenSites({ unet }: DiffusionModel, { layers, pagScale }: Held): Site[] {
  if (unet.sites.length > 0) return selectSites(layers, unet.sites);
  if (pagScale === 0) return [];
  throw new EngineError('pag-impossible', withoutSites(unet.refused));
}

/** Of the widest batch of a phase; contexts come in the same order in each. The caller disposes of it. */
export async function conditioningOf(
  model: DiffusionModel,
  settings: Settings,
  { held }: RunPhase,
  { records }: RunPlan,
  phase: number,
  signal: AbortSignal,
): Promise<Conditioning> {
  const [widest = []] = records
    .filter((record) => record.phase === phase)
    .map(({ base }) => base)
    .sort((one, other) => other.length - one.length);
  const contexts = widest.map(({ context }) => context);
  return conditionRows(model, { ...settings, ...held }, contexts, signal);
}

/** What of a record's phase its rows depend on, as a text. */
export function wordsOf(
  { info }: DiffusionModel,
  phases: readonly RunPhase[],
): (record: PlannedRecord, rows: ImageRows) => string {
  const texts = phases.map(({ held, strengths }) => {
    const { prompt, negativePrompt, guidanceScale } = held;
    // Either prompt may be repeated to the length of the other.
    const read = [prompt, negativePrompt, ...(info.guidanceEmbedded ? [guidanceScale] : [])];
    const perturbed = [...strengths].map(([{ name }, strength]) => [name, strength]);
    return { plain: JSON.stringify(read), perturbed: JSON.stringify([read, perturbed]) };
  });
  return ({ phase }, rows) => texts[phase]![rows.perturbed ? 'perturbed' : 'plain'];
}

/** The images of a run of one seed, in the plan's order. */
export function kindsOf({ compare }: Settings): readonly ImageKind[] {
  return compare ? ['withoutPag', 'withPag'] : ['withPag'];
}

/** @throws EngineError `schedule-impossible` */
export function planned(
  model: DiffusionModel,
  settings: PlannedSettings,
  phases: readonly RunPhase[],
  made: Made | null,
  seeds: number,
): RunPlan {
  const { guidanceEmbedded } = model.info;
  const strengths = (layers: string) => {
    const phase = phases.find(({ held }) => held.layers === layers);
    return [...(phase?.strengths.values() ?? [])];
  };
  try {
    return planRun(settings, { scheduler: model.files.scheduler, guidanceEmbedded, strengths }, made, seeds);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      'schedule-impossible',
      `This schedule cannot be made: ${why} Choose another scheduler or number of steps.`,
      why,
      { cause },
    );
  }
}
