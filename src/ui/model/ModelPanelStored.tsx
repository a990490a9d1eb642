// The models that can be used now or soon: the built-in one, and those in the model store with what they take up.

import { useEffect, useRef, useState } from 'react';
import type { StoredModel } from '../../library/libraryMessages';
import { unetInStore, type Choice } from '../../store/choice';
import { bytesOf, useHistory } from '../../store/history';
import { canStore, sizeText, useModels } from '../../store/models';
import styles from './ModelPanel.module.css';
import { ModelPanelError } from './ModelPanelError';
import { Bases } from './ModelPanelUnet';
import { percentText, storedText } from './modelWords';

const REFUSED =
  'Models cannot be stored here: the browser refuses it. Allow this site to store data, ' +
  'or leave the private window. A folder from your disk works all the same.';

export function ModelPanelStored({ onChosen }: { readonly onChosen: () => void }) {
  const choice = useModels((models) => models.choice);
  const stored = useModels((models) => models.stored);
  const freeBytes = useModels((models) => models.freeBytes);
  const refused = useModels((models) => models.refused);
  const historyBytes = useHistory((history) => bytesOf(history.entries ?? []));
  const { chooseBuiltIn, open } = useModels.getState();
  return (
    <section aria-label="On this device" className={styles.section}>
      <h3>On this device</h3>
      <ul className={styles.list}>
        <li className={styles.item}>
          <div className={styles.what}>
            <strong>Pocket</strong>
            <span className={styles.quiet}>Built in · small icons in three styles</span>
          </div>
          <Use
            name="Pocket"
            current={choice.ref.kind === 'url'}
            onClick={() => {
              chooseBuiltIn();
              onChosen();
            }}
          />
        </li>
        {stored.map((model) => (
          <StoredItem key={model.dir} model={model} current={dirInUse(choice) === model.dir} onChosen={onChosen} />
        ))}
      </ul>
      {!canStore() && (
        <p className={styles.note}>
          Models can be stored over HTTPS or at localhost only. A folder from your disk works here too.
        </p>
      )}
      {refused && (
        <ModelPanelError error={refused.code === 'storage' ? { ...refused, message: REFUSED } : refused}>
          <button type="button" onClick={open}>
            Try again
          </button>
        </ModelPanelError>
      )}
      {historyBytes > 0 && <p className={styles.quiet}>The history takes {sizeText(historyBytes)}.</p>}
      {freeBytes !== null && <p className={styles.quiet}>{sizeText(freeBytes)} more may be stored.</p>}
    </section>
  );
}

/** The folder of the model in use, or of its UNet where that is of another one. */
function dirInUse({ ref }: Choice): string | null {
  if (ref.unet) return ref.unet instanceof File ? null : ref.unet.dir;
  return ref.kind === 'opfs' ? ref.dir : null;
}

function StoredItem({
  model,
  current,
  onChosen,
}: {
  readonly model: StoredModel;
  readonly current: boolean;
  readonly onChosen: () => void;
}) {
  const [asking, setAsking] = useState(false);
  const { act, chooseStored, lookUp } = useModels.getState();
  const { dir, name, state, newer, unetAlone } = model;
  const failed = useModels((models) => (models.failed?.dir === dir ? models.failed.error : null));
  const error = model.error ?? failed;
  const item = useRef<HTMLLIElement>(null);
  // A fetch begins further down, and may fail while something else is looked at.
  const wanted = error?.code ?? (state !== 'whole' && 'fetch');
  useEffect(() => {
    if (wanted) item.current?.scrollIntoView({ block: 'nearest' });
  }, [wanted]);
  const under = state === 'fetching' || state === 'waiting';
  return (
    <li ref={item} className={styles.item} aria-label={name}>
      <div className={styles.what}>
        <strong>{name}</strong>
        <span className={styles.quiet} title={`${model.repo} at ${model.commit}`}>
          {model.repo} · {model.revision}
        </span>
        <span className={styles.quiet}>{storedText(model)}</span>
      </div>
      <div className={styles.actions}>
        {state === 'whole' && (current || !unetAlone) && (
          <Use
            name={name}
            current={current}
            onClick={() => {
              chooseStored(model);
              onChosen();
            }}
          />
        )}
        {under && (
          <button type="button" aria-label={`Pause ${name}`} onClick={() => void act('pause', dir)}>
            Pause
          </button>
        )}
        {(state === 'paused' || state === 'failed') && error?.code !== 'unreadable' && (
          <button
            type="button"
            className={styles.primary}
            aria-label={`Resume ${name}`}
            onClick={() => void act('resume', dir)}
          >
            Resume
          </button>
        )}
        {state === 'whole' && (
          <button type="button" aria-label={`Check ${name} for a new version`} onClick={() => void act('check', dir)}>
            Check
          </button>
        )}
        <button
          type="button"
          aria-label={`${state === 'whole' ? 'Delete' : 'Discard'} ${name}`}
          onClick={() => setAsking(true)}
        >
          {state === 'whole' ? 'Delete' : 'Discard'}
        </button>
      </div>
      {state === 'whole' && unetAlone && !current && (
        <div className={styles.note}>
          <p>A UNet alone: it runs with text encoders, VAE and scheduler of another model of its family.</p>
          <Bases unet={unetInStore(model)} onChosen={onChosen} />
        </div>
      )}
      {state !== 'whole' && (
        <div
          className={styles.progress}
          role="progressbar"
          aria-label={`Fetching ${name}`}
          aria-valuemin={0}
          aria-valuemax={model.bytes}
          aria-valuenow={model.fetchedBytes}
          aria-valuetext={percentText(model)}
        >
          <div style={{ transform: `scaleX(${model.bytes === 0 ? 1 : model.fetchedBytes / model.bytes})` }} />
        </div>
      )}
      {error &&
        (state === 'waiting' ? (
          <p className={styles.note} role="alert" title={error.detail}>
            {error.message}
          </p>
        ) : (
          <ModelPanelError error={error} />
        ))}
      {newer && (
        <p className={styles.note}>
          {newer.changedFiles} {newer.changedFiles === 1 ? 'file has' : 'files have'} changed on the hub since.{' '}
          <button
            type="button"
            onClick={() => void lookUp(model.repo, model.revision, model.file === null ? {} : { file: model.file })}
          >
            See the new version
          </button>
        </p>
      )}
      {asking && (
        <p className={styles.note}>
          This frees {sizeText(model.fetchedBytes)}.{' '}
          <button type="button" onClick={() => void act('remove', dir)}>
            Yes, {state === 'whole' ? 'delete' : 'discard'} it
          </button>{' '}
          <button type="button" onClick={() => setAsking(false)}>
            Keep it
          </button>
        </p>
      )}
    </li>
  );
}

function Use({
  name,
  current,
  onClick,
}: {
  readonly name: string;
  readonly current: boolean;
  readonly onClick: () => void;
}) {
  return current ? (
    <span className={styles.current}>In use</span>
  ) : (
    <button type="button" className={styles.primary} aria-label={`Use ${name}`} onClick={onClick}>
      Use
    </button>
  );
}
