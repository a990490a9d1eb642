// A VAE from a file of its own, in place of that of the model in use: what was opened and may be used, and what is in
// use and may be given up.

import { useModels } from '../../store/models';
import styles from './ModelPanel.module.css';

export function ModelPanelVae() {
  const offered = useModels((models) => models.vaeOffered);
  const { name, vae } = useModels((models) => models.choice);
  const { takeVae, dismiss } = useModels.getState();
  return (
    <>
      {offered && (
        <div className={styles.found} role="group" aria-label="A VAE alone" aria-live="polite">
          <p>
            <strong>{offered.name}</strong> · {offered.what} · This is a VAE alone, which makes pictures of latents. It
            can stand in for that of {name}, where both are of one family.
          </p>
          <p className={styles.actions}>
            <button type="button" className={styles.primary} onClick={() => takeVae('offered')}>
              Use it with {name}
            </button>
            <button type="button" onClick={dismiss}>
              Not now
            </button>
          </p>
        </div>
      )}
      {vae && (
        <p className={styles.actions}>
          <span role="status" aria-label="VAE">
            {name} with the VAE {vae.name} · in use until the page is closed
          </span>
          <button type="button" onClick={() => takeVae('own')}>
            Use its own VAE
          </button>
        </p>
      )}
    </>
  );
}
