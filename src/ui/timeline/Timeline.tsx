// The steps of a run: at each one the estimates without PAG and with it, what PAG steers away from, and where; below,
// how far the predictions are apart. Runs tell their steps only while it is open.

import { useMemo, useState } from 'react';
import type { StepTrace } from '../../protocol/runSteps';
import type { Shown } from '../../store/job';
import { withMask } from '../../store/startMask';
import { useStore } from '../../store/store';
import { FromHereOn } from './FromHereOn';
import { Picture } from '../pair/Picture';
import { saveSteps } from '../../store/stepsFile';
import { TimelineCurves } from './TimelineCurves';
import { mostPush, pushPicture } from './pushPicture';
import styles from './Timeline.module.css';

export function Timeline() {
  const open = useStore((store) => store.timeline);
  const { setTimeline } = useStore.getState();
  return (
    <details className={styles.timeline} open={open} onToggle={(event) => setTimeline(event.currentTarget.open)}>
      <summary>Timeline</summary>
      {open && <Opened />}
    </details>
  );
}

function Opened() {
  const shown = useStore((store) => store.job.shown);
  const traces = useStore((store) => store.job.traces);
  const isBusy = useStore((store) => store.job.runs.length > 0);
  const several = useStore((store) => store.settings.images > 1);
  const steps = traces !== null && (traces.runId === shown?.runId || isBusy) ? traces.steps : [];
  if (steps.length > 0 && shown) return <Steps steps={steps} shown={shown} />;
  return (
    <div className={styles.none}>
      <p>
        {several
          ? 'The steps of a run of one image are shown here: set Images to 1.'
          : 'While this is open, each step of a run is shown here: the picture without PAG, with it, and what PAG ' +
            'steers away from.'}
      </p>
      {shown?.stats && !isBusy && !several && (
        <button type="button" onClick={() => withMask(() => useStore.getState().run(shown.settings, true))}>
          Make this pair again with its steps
        </button>
      )}
    </div>
  );
}

const EDGE = 148;

function Steps({ steps, shown }: { readonly steps: readonly StepTrace[]; readonly shown: Shown }) {
  const { size } = shown;
  // The newest while a run goes on, until one is chosen.
  const [chosen, setChosen] = useState<number | null>(null);
  const at = Math.min(chosen ?? steps.length - 1, steps.length - 1);
  const step = steps[at]!;
  const most = useMemo(() => mostPush(steps), [steps]);
  const push = useMemo(() => pushPicture(step, most), [step, most]);
  const scale = EDGE / Math.max(size.width, size.height);
  const box = { width: size.width * scale, height: size.height * scale };
  const pictures = [
    { name: 'Step without PAG', caption: 'Without PAG', pixels: step.withoutPag },
    { name: 'Step with PAG', caption: 'With PAG', pixels: step.withPag },
    { name: 'What PAG steers away from', caption: 'Steered away from', pixels: step.perturbed },
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
      <div className={styles.pictures}>
        {pictures.map(({ name, caption, pixels }) => (
          <figure key={name}>
            <Picture name={name} pixels={pixels} size={size} box={box} />
            <figcaption aria-hidden="true">{caption}</figcaption>
          </figure>
        ))}
      </div>
      <FromHereOn step={step.step} />
      {!step.perturbed && <p>PAG is off in this step: there is nothing that it steers away from.</p>}
      <TimelineCurves
        steps={steps}
        at={at}
        changes={shown.settings.earlier.map(({ until }) => until).filter((step) => step < steps.length)}
        onChoose={setChosen}
      />
      {shown.stats && <SaveSteps steps={steps} shown={shown} />}
    </>
  );
}

function SaveSteps({ steps, shown }: { readonly steps: readonly StepTrace[]; readonly shown: Shown }) {
  const [said, setSaid] = useState<'' | 'Drawing…' | 'Saved.' | 'It could not be made. Try again.'>('');
  const save = () => {
    setSaid('Drawing…');
    saveSteps(shown, steps).then(
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
