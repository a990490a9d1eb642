// Models of the hub: a short list, or any repository. Looking one up tells its size and whether this device can
// hold it; nothing large is fetched before the visitor says so.

import { useId, useState } from 'react';
import type { FileChoice } from '../../library/libraryMessages';
import { HUB_MODELS, canStore, sizeText, useModels, verdictOf } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './ModelPanel.module.css';
import { ModelPanelError } from './ModelPanelError';
import { ModelPanelLora } from './ModelPanelLora';

export function ModelPanelHub() {
  const id = useId();
  const [repo, setRepo] = useState('');
  const [revision, setRevision] = useState('');
  const stored = useModels((models) => models.stored);
  const hubUrl = useModels((models) => models.hubUrl);
  const [address, setAddress] = useState(hubUrl);
  const { lookUp, setHubUrl } = useModels.getState();
  const look = () => void lookUp(repo, revision);
  const onEnter = (event: React.KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    look();
  };
  const offered = HUB_MODELS.filter((entry) => !stored.some((model) => model.repo === entry.repo));
  return (
    <section aria-label="From Hugging Face" className={styles.section}>
      <h3>From Hugging Face</h3>
      <div className={styles.fields}>
        <div>
          <label htmlFor={`${id}-repo`}>Repository</label>
          <input
            id={`${id}-repo`}
            type="text"
            placeholder="owner/name"
            autoComplete="off"
            spellCheck={false}
            value={repo}
            onChange={(event) => setRepo(event.target.value)}
            onKeyDown={onEnter}
          />
        </div>
        <div>
          <label htmlFor={`${id}-revision`}>Revision</label>
          <input
            id={`${id}-revision`}
            type="text"
            placeholder="main"
            autoComplete="off"
            spellCheck={false}
            value={revision}
            onChange={(event) => setRevision(event.target.value)}
            onKeyDown={onEnter}
          />
        </div>
        <button type="button" onClick={look}>
          Look up
        </button>
      </div>
      <Found />
      <ul className={styles.list}>
        {offered.map((entry) => (
          <li key={entry.repo} className={styles.item}>
            <div className={styles.what}>
              <strong>{entry.name}</strong>
              <span className={styles.quiet}>{entry.repo}</span>
              <span className={styles.quiet}>{entry.note}</span>
              {entry.licence && <span className={styles.quiet}>Licence: {entry.licence}</span>}
            </div>
            <button
              type="button"
              aria-label={`Look up ${entry.name}`}
              onClick={() => void lookUp(entry.repo, entry.revision, { entry })}
            >
              Look up
            </button>
          </li>
        ))}
      </ul>
      <details>
        <summary>Address of the hub</summary>
        <label htmlFor={`${id}-hub`} className={styles.quiet}>
          A mirror with the same interface may stand in for huggingface.co.
        </label>
        <input
          id={`${id}-hub`}
          type="text"
          aria-label="Address of the hub"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          onBlur={() => {
            setHubUrl(address);
            setAddress(useModels.getState().hubUrl);
          }}
        />
      </details>
    </section>
  );
}

/** What the lookup found: size, verdict, and the way on. */
function Found() {
  const lookup = useModels((models) => models.lookup);
  const freeBytes = useModels((models) => models.freeBytes);
  const device = useStore((store) => store.job.device);
  const { fetch, dismiss } = useModels.getState();
  if (lookup.state === 'none') return null;
  if (lookup.state === 'looking')
    return (
      <p className={styles.note} aria-live="polite">
        Asking the hub about {lookup.what}…{' '}
        <button type="button" onClick={dismiss}>
          Not now
        </button>
      </p>
    );
  if (lookup.state === 'failed') return <ModelPanelError error={lookup.error} />;
  if (lookup.state === 'choice') return <Choices found={lookup.found} />;
  if (lookup.state === 'lora') return <ModelPanelLora {...lookup} />;
  const { plan, error } = lookup;
  const verdict = verdictOf(plan, device, freeBytes);
  const words = {
    fits: 'This device can hold it.',
    doubtful: 'It may work on this device.',
    no: 'This device cannot hold it.',
  };
  return (
    <div className={styles.found} role="group" aria-label="Found" aria-live="polite">
      <p>
        <strong>{plan.name}</strong> · {sizeText(plan.bytes)} in {plan.files.length}{' '}
        {plan.files.length === 1 ? 'file' : 'files'} · {plan.revision} is {plan.commit.slice(0, 7)}
      </p>
      {plan.what && <p>{plan.what}</p>}
      {plan.roles.unetAlone !== undefined && (
        <p>
          This is a UNet alone: it runs with text encoders, VAE and scheduler of another model of its family, which is
          chosen when it is here.
        </p>
      )}
      {plan.licence && <p className={styles.quiet}>Licence: {plan.licence}</p>}
      <p className={verdict.level === 'no' ? styles.bad : undefined}>{words[verdict.level]}</p>
      {verdict.reasons.length > 0 && (
        <ul className={styles.reasons}>
          {verdict.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {error && <ModelPanelError error={error} />}
      {!canStore() && (
        <p>Models can be stored over HTTPS or at localhost only: download it, and open its folder from your disk.</p>
      )}
      <p className={styles.actions}>
        {canStore() && (
          <button
            type="button"
            className={verdict.level === 'no' ? undefined : styles.primary}
            onClick={() => void fetch(plan)}
          >
            {verdict.level === 'no' ? 'Fetch it nevertheless' : `Fetch ${sizeText(plan.bytes)}`}
          </button>
        )}
        <button type="button" onClick={dismiss}>
          Not now
        </button>
      </p>
    </div>
  );
}

/** Several models, one of which is looked up again. */
function Choices({ found: { repo, revision, choices } }: { readonly found: FileChoice }) {
  const { lookUp, dismiss } = useModels.getState();
  return (
    <div className={styles.found} role="group" aria-label={`Models of ${repo}`} aria-live="polite">
      <p>
        <strong>{repo}</strong> holds {choices.length} .safetensors files. Choose one to look into.
      </p>
      <ul className={styles.list}>
        {choices.map(({ path, size }) => (
          <li key={path} className={styles.item}>
            <div className={styles.what}>
              <strong>{path}</strong>
              <span className={styles.quiet}>{sizeText(size)}</span>
            </div>
            <button
              type="button"
              aria-label={`Look into ${path}`}
              onClick={() => void lookUp(repo, revision, { file: path })}
            >
              Look into
            </button>
          </li>
        ))}
      </ul>
      <div className={styles.actions}>
        <button type="button" onClick={dismiss}>
          Not now
        </button>
      </div>
    </div>
  );
}
