// A model in one .safetensors file on the visitor's disk. It is read in place: nothing is copied or converted.

import { useRef } from 'react';
import { useModels, verdictOf } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './ModelPanel.module.css';
import { ModelPanelError } from './ModelPanelError';

export function ModelPanelCheckpoint() {
  const input = useRef<HTMLInputElement>(null);
  const error = useModels((models) => models.checkpointError);
  const choice = useModels((models) => models.choice);
  const checkpoint = useModels((models) => (models.choice.ref.kind === 'file' ? models.checkpoint : null));
  const device = useStore((store) => store.job.device);
  // The engine's own words, as soon as it has built the graphs.
  const verdict = useStore((store) => store.job.verdict);
  const { openCheckpoint, dismiss } = useModels.getState();
  const said = verdict?.modelId === choice.ref.id ? verdict : null;
  const reasons = checkpoint ? (said ?? verdictOf(checkpoint.weights, device, null)).reasons : [];
  return (
    <section aria-label="From one .safetensors file" className={styles.section}>
      <h3>From a checkpoint file</h3>
      <p className={styles.quiet}>
        A .safetensors file of Stable Diffusion 1.x, 2.x or XL that holds UNet, VAE and text encoder. It is read in
        place.
      </p>
      <div className={styles.actions}>
        <button type="button" onClick={() => input.current?.click()}>
          Open checkpoint
        </button>
        <input
          ref={input}
          type="file"
          hidden
          accept=".safetensors"
          aria-label="Checkpoint file"
          onChange={({ target }) => {
            const [file] = target.files ?? [];
            if (file) void openCheckpoint(file);
            // The same file may be chosen again.
            target.value = '';
          }}
        />
        {checkpoint && (
          <span role="status" aria-label="Checkpoint">
            {checkpoint.name} · {checkpoint.what} · in use until the page is closed
          </span>
        )}
      </div>
      {reasons.length > 0 && (
        <ul className={styles.reasons}>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {error && (
        <ModelPanelError error={error}>
          <button type="button" onClick={dismiss}>
            Dismiss
          </button>
        </ModelPanelError>
      )}
    </section>
  );
}
