// Everything that a run is made of, with one sentence where each control stands.

import { useId } from 'react';
import type { Settings } from '../protocol/messages';
import { RULES } from '../store/numbers';
import { IDEAS, SCHEDULERS, SIGMAS, SPACINGS } from '../store/settings';
import { useStore } from '../store/store';
import styles from './Controls.module.css';
import { LayersField } from './LayersField';
import { ModelPanel } from './ModelPanel';
import { NumberField } from './NumberField';
import { PagSlider } from './PagSlider';

export function Controls() {
  const settings = useStore((store) => store.settings);
  const change = useStore((store) => store.change);
  const id = useId();
  return (
    <form className={styles.controls} aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
      <ModelPanel />
      <section className={styles.group}>
        <label htmlFor={`${id}-prompt`}>Prompt</label>
        <textarea id={`${id}-prompt`} rows={2} value={settings.prompt} onChange={(event) => change({ prompt: event.target.value })} />
        <div className={styles.ideas} role="group" aria-label="Ideas">
          {IDEAS.map((idea) => (
            <button key={idea} type="button" onClick={() => change({ prompt: idea })}>{idea}</button>
          ))}
        </div>
        <label htmlFor={`${id}-negative`}>Negative prompt</label>
        <textarea id={`${id}-negative`} rows={1} value={settings.negativePrompt} onChange={(event) => change({ negativePrompt: event.target.value })} />
      </section>

      <section className={styles.group}>
        <NumberField label="PAG scale" value={settings.pagScale} rule={RULES.pagScale} hint="How hard to steer away from the perturbed prediction; 0 is off." onChange={(pagScale) => change({ pagScale })} />
        <PagSlider value={settings.pagScale} onChange={(pagScale) => change({ pagScale })} />
        <LayersField />
        <label className={styles.check}>
          <input type="checkbox" role="switch" checked={settings.compare} onChange={(event) => change({ compare: event.target.checked })} />
          <span>Compare</span>
        </label>
        <p className={styles.hint}>Makes the image without PAG too, from the same seed.</p>
      </section>

      <section className={styles.group}>
        <div className={styles.columns}>
          <NumberField label="Steps" value={settings.steps} rule={RULES.steps} hint="More are slower and finer." onChange={(steps) => change({ steps })} />
          <NumberField label="CFG scale" value={settings.guidanceScale} rule={RULES.guidanceScale} hint="Pull towards the prompt; 1 is off." onChange={(guidanceScale) => change({ guidanceScale })} />
        </div>
        <label htmlFor={`${id}-scheduler`}>Scheduler</label>
        <select id={`${id}-scheduler`} value={settings.scheduler} onChange={(event) => change({ scheduler: event.target.value as Settings['scheduler'] })}>
          {Object.entries(SCHEDULERS).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
        </select>
        <p className={styles.hint}>The rule that turns predictions into the next latents.</p>
        <label htmlFor={`${id}-sigmas`}>Sigmas</label>
        <select id={`${id}-sigmas`} value={settings.sigmas} onChange={(event) => change({ sigmas: event.target.value as Settings['sigmas'] })}>
          {Object.entries(SIGMAS).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
        </select>
        <p className={styles.hint}>How noise levels are spread; Karras spends more steps at low noise. DDIM does not use it.</p>
        <label htmlFor={`${id}-spacing`}>Timestep spacing</label>
        <select id={`${id}-spacing`} value={settings.spacing} onChange={(event) => change({ spacing: event.target.value as Settings['spacing'] })}>
          {Object.entries(SPACINGS).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
        </select>
        <p className={styles.hint}>Which training timesteps are visited; turbo models want trailing.</p>
        <NumberField label="Seed" value={settings.seed} rule={RULES.seed} hint="Same seed, same settings, same image." onChange={(seed) => change({ seed })} />
        <button type="button" onClick={() => change({ seed: crypto.getRandomValues(new Uint32Array(1))[0] as number })}>Random seed</button>
      </section>

      <details className={styles.group}>
        <summary>Device</summary>
        <label htmlFor={`${id}-device`}>Run on</label>
        <select id={`${id}-device`} value={settings.backend} onChange={(event) => change({ backend: event.target.value === 'wasm' ? 'wasm' : 'auto' })}>
          <option value="auto">Automatic</option>
          <option value="wasm">CPU</option>
        </select>
        <p className={styles.hint}>Automatic takes the GPU where the browser offers it.</p>
      </details>

      <details className={styles.group}>
        <summary>About</summary>
        <p className={styles.hint}>
          The built-in model was trained on Noto Emoji (Apache-2.0), Fluent Emoji and Fluent Emoji Flat (MIT), with keywords
          from emojilib (MIT). Nothing that you type or make leaves this device.
        </p>
      </details>
    </form>
  );
}
