// The steps of a run: at each one the estimates without PAG and with it, what PAG steers away from, and where; below,
// how far the predictions are apart. Runs keep latents: while the slider moves pictures are coarse, and decoded where
// it rests.

import { useEffect, useMemo, useState } from 'react';
import type { StepTrace } from '../../protocol/runSteps';
import { stepsShown, type Shown } from '../../store/job';
import {
  decodeSteps,
  decodesAtOnce,
  latentsOf,
  stepPicture,
  useStepPictures,
  whyNotDecoded,
} from '../../store/stepPictures';
import { withMask } from '../../store/startMask';
import { useStore } from '../../store/store';
import { FromHereOn } from './FromHereOn';
import { Picture } from '../pair/Picture';
import { saveSteps } from '../../store/stepsFile';
import { TimelineCurves } from './TimelineCurves';
import { mostPush, pushPicture } from './pushPicture';
import styles from './Timeline.module.css';

export function Timeline() {
  const [open, setOpen] = useState(false);
  return (
    <details className={styles.timeline} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Timeline</summary>
      {open && <Opened />}
    </details>
  );
}

function Opened() {
  const shown = useStore((store) => store.job.shown);
  const steps = useStore((store) => stepsShown(store.job));
  const isBusy = useStore((store) => store.job.runs.length > 0);
  if (steps.length > 0 && shown) return <Steps steps={steps} shown={shown} />;
  const isOfSeveral = shown?.images !== undefined;
  const isWithoutSteps = shown?.stats != null && !isBusy;
  return (
    <div className={styles.none}>
      <p>
        {isOfSeveral
          ? 'The steps of a run of one image are shown here: set Images to 1.'
          : isWithoutSteps
            ? 'The steps of this pair are not kept: they were too large, or made way for newer ones.'
            : 'Each step of a run is shown here: the picture without PAG, with it, and what PAG steers away from.'}
      </p>
      {isWithoutSteps && !isOfSeveral && (
        <button type="button" onClick={() => withMask(() => useStore.getState().run(shown.settings))}>
          Make this pair again with its steps
        </button>
      )}
    </div>
  );
}

const EDGE = 148;
/** Until a slider that stands still is said to rest. */
const REST_MS = 250;

function Steps({ steps, shown }: { readonly steps: readonly StepTrace[]; readonly shown: Shown }) {
  const { size } = shown;
  // The newest while a run goes on, until one is chosen.
  const [chosen, setChosen] = useState<number | null>(null);
  const at = Math.min(chosen ?? steps.length - 1, steps.length - 1);
  const step = steps[at]!;
  const decoded = useStepPictures((pictures) => pictures.decoded);
  const why = useStore((store) => whyNotDecoded(store.job));
  const isDecoding = useDecoded(step, shown, why === null);
  const { withPag, withoutPag, perturbed } = useMemo(() => {
    const pictureOf = (estimate: StepTrace['perturbed']) => {
      const own = estimate && 'halves' in estimate ? decoded.get(estimate) : undefined;
      return stepPicture(estimate, step, own, shown.pair.withPag);
    };
    return {
      withPag: pictureOf(step.withPag),
      withoutPag: pictureOf(step.withoutPag),
      perturbed: pictureOf(step.perturbed),
    };
  }, [step, decoded, shown.pair.withPag]);
  const most = useMemo(() => mostPush(steps), [steps]);
  const push = useMemo(() => withPag && pushPicture(withPag, step, most), [withPag, step, most]);
  const scale = EDGE / Math.max(size.width, size.height);
  const box = { width: size.width * scale, height: size.height * scale };
  const pictures = [
    { name: 'Step without PAG', caption: 'Without PAG', pixels: withoutPag },
    { name: 'Step with PAG', caption: 'With PAG', pixels: withPag },
    { name: 'What PAG steers away from', caption: 'Steered away from', pixels: perturbed },
    { name: 'Where PAG pushes', caption: 'Where it pushes', pixels: push },
  ];
  return (
    <>
      <label className={styles.slider}>
        <span>
          Step {step.step + 1} of {steps.length}
        </span>
        <input
          type="range"
          aria-label="Step"
          aria-valuetext={`Step ${step.step + 1}`}
          min={0}
          max={steps.length - 1}
          value={at}
          onChange={(event) => setChosen(Number(event.target.value))}
        />
      </label>
      <div className={styles.pictures} aria-busy={isDecoding}>
        {pictures.map(({ name, caption, pixels }) => (
          <figure key={name}>
            <Picture name={name} pixels={pixels} size={size} box={box} />
            <figcaption aria-hidden="true">{caption}</figcaption>
          </figure>
        ))}
      </div>
      <Coarse step={step} why={why} isDecoding={isDecoding && !decodesAtOnce(shown, step)} />
      <FromHereOn step={step.step} />
      {!step.perturbed && <p>PAG is off in this step: there is nothing that it steers away from.</p>}
      <TimelineCurves
        steps={steps}
        at={at}
        changes={shown.settings.earlier.map(({ until }) => until).filter((step) => step < steps.length)}
        onChoose={setChosen}
      />
      {shown.stats && <SaveSteps steps={steps} shown={shown} isDecoded={why === null} />}
    </>
  );
}

/** Asks for what is not decoded of a step that is looked at, between runs. @returns whether that is under way */
function useDecoded(step: StepTrace, shown: Shown, isPossible: boolean): boolean {
  const isBusy = useStore((store) => store.job.runs.length > 0);
  const { withoutPag, withPag, perturbed } = step;
  const latents = useMemo(() => latentsOf([withoutPag, withPag, perturbed]), [withoutPag, withPag, perturbed]);
  const isWhole = useStepPictures(({ decoded }) => latents.every((one) => decoded.has(one)));
  const failed = useStepPictures(({ failure }) => failure !== null);
  const isAsked = isPossible && !isBusy && !isWhole;
  const wait = decodesAtOnce(shown, step) ? 0 : REST_MS;
  const { ref } = shown;
  useEffect(() => {
    if (!isAsked) return;
    const abort = new AbortController();
    const timer = setTimeout(() => void decodeSteps(ref, latents, abort.signal), wait);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [isAsked, latents, ref, wait]);
  return isAsked && !failed;
}

interface CoarseProps {
  readonly step: StepTrace;
  readonly why: string | null;
  readonly isDecoding: boolean;
}

/** Why pictures are coarse, and for how long. */
function Coarse({ step, why, isDecoding }: CoarseProps) {
  const failure = useStepPictures((pictures) => pictures.failure);
  const isKeptSo = latentsOf([step.withPag]).length === 0;
  const said = isKeptSo ? '' : (why ?? failure ?? (isDecoding ? 'Decoding this step…' : ''));
  return (
    <p className={styles.coarse} aria-live="polite">
      {said}
    </p>
  );
}

interface SaveProps {
  readonly steps: readonly StepTrace[];
  readonly shown: Shown;
  readonly isDecoded: boolean;
}

function SaveSteps({ steps, shown, isDecoded }: SaveProps) {
  const [said, setSaid] = useState<'' | 'Drawing…' | 'Saved.' | 'It could not be made. Try again.'>('');
  const save = () => {
    setSaid('Drawing…');
    saveSteps(shown, steps, isDecoded).then(
      () => setSaid('Saved.'),
      () => setSaid('It could not be made. Try again.'),
    );
  };
  return (
    <div className={styles.save}>
      <button type="button" disabled={said === 'Drawing…'} onClick={save}>
        Save steps as GIF
      </button>
      <span aria-live="polite">{said}</span>
    </div>
  );
}
