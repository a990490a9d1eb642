// A LoRA that was looked up on the hub: what it is, and the way to add it to the model in use.

import type { FetchErrorData } from '../../library/fetchError';
import type { LoraFound } from '../../library/libraryMessages';
import { sizeText, useModels } from '../../store/models';
import styles from './ModelPanel.module.css';
import { ModelPanelError } from './ModelPanelError';

interface Props {
  readonly found: LoraFound;
  readonly fetching: boolean;
  readonly error: FetchErrorData | null;
}

export function ModelPanelLora({ found, fetching, error }: Props) {
  const { name, repo, what, file, licence } = found;
  const model = useModels((models) => models.choice.name);
  const { addLora, dismiss } = useModels.getState();
  return (
    <div className={styles.found} role="group" aria-label="A LoRA" aria-live="polite">
      <p>
        <strong>{name}</strong> · {sizeText(file.size)} of {repo} · This is a LoRA, {what}: it changes a model, and is
        kept until the page is closed.
      </p>
      {licence && <p className={styles.quiet}>Licence: {licence}</p>}
      {error && <ModelPanelError error={error} />}
      <p className={styles.actions}>
        {fetching ? (
          <span>Fetching {sizeText(file.size)}…</span>
        ) : (
          <button type="button" className={styles.primary} onClick={() => void addLora(found)}>
            Fetch it and add it to {model}
          </button>
        )}
        <button type="button" onClick={dismiss}>
          {fetching ? 'Stop' : 'Not now'}
        </button>
      </p>
    </div>
  );
}
