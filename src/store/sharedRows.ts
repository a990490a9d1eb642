// UNet rows of runs that follow one another, each beginning where it parts from those before it, as the engine has it
// (`engine/keptRuns`), in which room is taken for granted here.

import { sameSteps, stepsOfImage } from '../diffusion/imageSteps';
import { planRun } from '../diffusion/runPlan';
import { selectSites } from '../onnx/sites/layers';
import type { ModelInfo } from '../protocol/loaded';
import { beyondPlan } from '../settings/beyondPlan';
import { phasesOf } from '../settings/earlierSteps';
import type { Settings } from '../settings/fields';
import { plannedStart } from './plannedStart';

export class SharedRows {
  private made: { readonly of: string; readonly steps: readonly string[] }[] = [];

  constructor(
    private readonly model: ModelInfo,
    private readonly fromImage: boolean,
  ) {}

  /** Of the run that is next; null where none can be made of its settings. */
  next(settings: Settings): number | null {
    try {
      return this.rowsOf(settings);
    } catch {
      return null;
    }
  }

  private rowsOf(settings: Settings): number {
    const { sites, scheduler, guidanceEmbedded } = this.model;
    const perturbed = (layers: string) =>
      (sites.length > 0 ? selectSites(layers, sites) : []).map(
        ({ name }) => [name, settings.pag.siteIdentity[name] ?? settings.pag.identity] as const,
      );
    const strengths = (layers: string) => perturbed(layers).map(([, strength]) => strength);
    const start = plannedStart(settings, this.fromImage);
    const plan = (...made: Parameters<typeof planRun>[2][]) =>
      planRun({ ...settings, start }, { scheduler, guidanceEmbedded, strengths }, ...made);
    const words = phasesOf(settings).map(({ prompt, negativePrompt, guidanceScale, layers }) => {
      const read = [prompt, negativePrompt, guidanceEmbedded && guidanceScale];
      return { plain: JSON.stringify(read), perturbed: JSON.stringify([read, perturbed(layers)]) };
    });
    const whole = plan();
    // What is kept is of one noise and size: that of others takes its place.
    const of = beyondPlan(settings);
    this.made = this.made.filter((one) => one.of === of);
    const images = (settings.compare ? [0, 1] : [0]).map((image) => {
      const steps = stepsOfImage(whole, image, settings.pag, ({ phase }, rows) =>
        rows.perturbed ? words[phase]!.perturbed : words[phase]!.plain,
      );
      const known = this.made.map((one) => sameSteps(one.steps, steps));
      return { of, steps, there: Math.max(0, ...known) };
    });
    this.made.push(...images);
    const isThere = ({ there }: { readonly there: number }) => there === whole.records.length;
    if (images.every(isThere)) return 0;
    const withoutPag = images.length > 1 && isThere(images[0]!);
    const record = Math.min(...images.slice(withoutPag ? 1 : 0).map(({ there }) => there));
    return plan({ record, withoutPag }).rows;
  }
}
