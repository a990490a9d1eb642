// The models that can be used now or soon: the built-in one, and those in the model store with what they take up.

import { useState } from 'react';
import type { StoredModel } from '../models/messages';
import { sizeText, useModels } from '../store/models';
import styles from './ModelPanel.module.css';
import { percentText, storedText } from './modelWords';

export function ModelPanelStored({ onChosen }: { readonly onChosen: () => void }) {
  const choice = useModels((models) => models.choice);
  const stored = useModels((models) => models.stored);
  const freeBytes = useModels((models) => models.freeBytes);
  const { chooseBuiltIn } = useModels.getState();
  return (
    <section aria-label="On this device" className={styles.section}>
      <h3>On this device</h3>
      <ul className={styles.list}>
        <li className={styles.item}>
          <div className={styles.what}>
            <strong>Pocket</strong>
            <span className={styles.quiet}>Built in · small icons in three styles</span>
          </div>
          <Use name="Pocket" current={choice.ref.kind === 'url'} onClick={() => { chooseBuiltIn(); onChosen(); }} />
        </li>
        {stored.map((model) => (
          <StoredItem key={model.dir} model={model} current={choice.ref.kind === 'opfs' && choice.ref.dir === model.dir} onChosen={onChosen} />
        ))}
      </ul>
      {freeBytes !== null && <p className={styles.quiet}>{sizeText(freeBytes)} more may be stored.</p>}
    </section>
  );
}

function StoredItem({ model, current, onChosen }: { readonly model: StoredModel; readonly current: boolean; readonly onChosen: () => void }) {
  const [asking, setAsking] = useState(false);
  const { act, chooseStored, lookUp } = useModels.getState();
  const { dir, name, state, error, newer } = model;
  const under = state === 'fetching' || state === 'waiting';
  return (
    <li className={styles.item} aria-label={name}>
      <div className={styles.what}>
        <strong>{name}</strong>
        <span className={styles.quiet} title={`${model.repo} at ${model.commit}`}>{model.repo} · {model.revision}</span>
        <span className={styles.quiet}>{storedText(model)}</span>
      </div>
      <div className={styles.actions}>
        {state === 'whole' && <Use name={name} current={current} onClick={() => { chooseStored(model); onChosen(); }} />}
        {under && <button type="button" aria-label={`Pause ${name}`} onClick={() => act('pause', dir)}>Pause</button>}
        {(state === 'paused' || state === 'failed') && <button type="button" className={styles.primary} aria-label={`Resume ${name}`} onClick={() => act('resume', dir)}>Resume</button>}
        {state === 'whole' && <button type="button" aria-label={`Check ${name} for a new version`} onClick={() => act('check', dir)}>Check</button>}
        <button type="button" aria-label={`${state === 'whole' ? 'Delete' : 'Discard'} ${name}`} onClick={() => setAsking(true)}>{state === 'whole' ? 'Delete' : 'Discard'}</button>
      </div>
      {state !== 'whole' && (
        <div className={styles.progress} role="progressbar" aria-label={`Fetching ${name}`} aria-valuemin={0} aria-valuemax={model.bytes} aria-valuenow={model.fetchedBytes} aria-valuetext={percentText(model)}>
          <div style={{ transform: `scaleX(${model.bytes === 0 ? 1 : model.fetchedBytes / model.bytes})` }} />
        </div>
      )}
      {error && <p className={state === 'waiting' ? styles.note : styles.error} role="alert" title={error.detail}>{error.message}</p>}
      {newer && (
        <p className={styles.note}>
          {newer.changedFiles} {newer.changedFiles === 1 ? 'file has' : 'files have'} changed on the hub since.{' '}
          <button type="button" onClick={() => void lookUp(model.repo, model.revision)}>See the new version</button>
        </p>
      )}
      {asking && (
        <p className={styles.note}>
          This frees {sizeText(model.fetchedBytes)}.{' '}
          <button type="button" onClick={() => act('remove', dir)}>Yes, {state === 'whole' ? 'delete' : 'discard'} it</button>{' '}
          <button type="button" onClick={() => setAsking(false)}>Keep it</button>
        </p>
      )}
    </li>
  );
}

function Use({ name, current, onClick }: { readonly name: string; readonly current: boolean; readonly onClick: () => void }) {
  return current
    ? <span className={styles.current}>In use</span>
    : <button type="button" className={styles.primary} aria-label={`Use ${name}`} onClick={onClick}>Use</button>;
}
