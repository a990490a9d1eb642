// A model in a folder on the visitor's disk. It is read in place: nothing is copied, nothing leaves the device.

import { useRef } from 'react';
import { hasFolderPicker, sizeText, useModels, verdictOf } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './ModelPanel.module.css';

export function ModelPanelFolder({ onChosen }: { readonly onChosen: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const error = useModels((models) => models.error);
  const folder = useModels((models) => (models.choice.ref.kind === 'folder' ? models.folder : null));
  const device = useStore((store) => store.job.device);
  // The engine's own words, as soon as it has read the graphs.
  const verdict = useStore((store) => store.job.verdict);
  const choice = useModels((models) => models.choice);
  const { openFolder, dismiss } = useModels.getState();
  const take = async (list: FileList | null) => {
    await openFolder(list);
    if (useModels.getState().error === null && useModels.getState().choice.ref.kind === 'folder') onChosen();
  };
  const said = verdict?.modelId === choice.ref.id ? verdict : null;
  const reasons = folder ? (said ?? verdictOf(folder.weights, device, null)).reasons : [];
  return (
    <section aria-label="From a folder" className={styles.section}>
      <h3>From a folder on disk</h3>
      <p className={styles.quiet}>
        The folder that holds unet/, text_encoder/, vae_decoder/, tokenizer/ and scheduler/, as diffusers and Optimum
        write them. It is read in place.
      </p>
      <div className={styles.actions}>
        <button type="button" onClick={() => (hasFolderPicker() ? void take(null) : input.current?.click())}>
          Open folder
        </button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label="Folder of a model"
          {...{ webkitdirectory: '' }}
          onChange={(event) => void take(event.target.files)}
        />
        {folder && (
          <span>
            {folder.name} · {sizeText(folder.weights.bytes)} · in use until the page is closed
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
        <div className={styles.error} role="alert">
          <p>{error.message}</p>
          <button type="button" onClick={dismiss}>
            Dismiss
          </button>
        </div>
      )}
    </section>
  );
}
