// A UNet from a file of its own, with text encoders, VAE and scheduler of another model: what was opened and which
// models here it fits, and what is in use and may be given up.

import { basesOf } from '../../store/choice';
import { useModels } from '../../store/models';
import styles from './ModelPanel.module.css';

export function ModelPanelUnet() {
  const offered = useModels((models) => models.unetOffered);
  const choice = useModels((models) => models.choice);
  const stored = useModels((models) => models.stored);
  const { takeUnet, choose, dismiss } = useModels.getState();
  const bases = offered ? basesOf(offered, choice, stored) : [];
  const unet = choice.vae?.own.unet ?? choice.unet;
  return (
    <>
      {offered && (
        <div className={styles.found} role="group" aria-label="A UNet alone" aria-live="polite">
          <p>
            <strong>{offered.name}</strong> · {offered.what} · This is a UNet alone: it runs with text encoders, VAE and
            scheduler of another model of its family.
          </p>
          {bases.length === 0 ? (
            <p>
              No such model is here. Fetch one from Hugging Face or open one from your disk; then this UNet can be used
              with it.
            </p>
          ) : (
            <p className={styles.quiet}>
              No file says whether it is a Turbo, Lightning or Hyper UNet: for one of these set few steps, CFG scale 1
              and trailing timesteps.
            </p>
          )}
          <p className={styles.actions}>
            {bases.map((base, at) => (
              <button
                key={base.ref.id}
                type="button"
                className={at === 0 ? styles.primary : undefined}
                onClick={() => takeUnet(base)}
              >
                Use it with {base.name}
              </button>
            ))}
            <button type="button" onClick={dismiss}>
              Not now
            </button>
          </p>
        </div>
      )}
      {unet && (
        <p className={styles.actions}>
          <span role="status" aria-label="UNet">
            {unet.name} with text encoders, VAE and scheduler of {unet.base.name} · in use until the page is closed
          </span>
          <button type="button" onClick={() => choose(unet.base)}>
            Use {unet.base.name} with its own UNet
          </button>
        </p>
      )}
    </>
  );
}
