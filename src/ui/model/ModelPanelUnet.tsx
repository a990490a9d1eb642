// A UNet from a file of its own, with text encoders, VAE and scheduler of another model: what was opened and which
// models here it fits, and what is in use and may be given up.

import { saidByName, usualText } from './modelWords';
import { basesOf, isKept, unetOnDisk, type UnetAlone } from '../../store/choice';
import { useModels } from '../../store/models';
import styles from './ModelPanel.module.css';

export function ModelPanelUnet() {
  const offered = useModels((models) => models.unetOffered);
  const choice = useModels((models) => models.choice);
  const { choose, dismiss } = useModels.getState();
  const unet = choice.vae?.own.unet ?? choice.unet;
  return (
    <>
      {offered && (
        <div className={styles.found} role="group" aria-label="A UNet alone" aria-live="polite">
          <p>
            <strong>{offered.name}</strong> · {offered.what} · This is a UNet alone: it runs with text encoders, VAE and
            scheduler of another model of its family.
          </p>
          <Bases unet={unetOnDisk(offered)} />
          <p className={styles.actions}>
            <button type="button" onClick={dismiss}>
              Not now
            </button>
          </p>
        </div>
      )}
      {unet && (
        <p className={styles.actions}>
          <span role="status" aria-label="UNet">
            {unet.name} with text encoders, VAE and scheduler of {unet.base.name} · in use
            {!isKept(choice) && ' until the page is closed'}
          </span>
          <button type="button" onClick={() => choose(unet.base)}>
            Use {unet.base.name} with its own UNet
          </button>
        </p>
      )}
    </>
  );
}

const UNSAID =
  'Neither its weights nor its name say whether it is a Turbo, Lightning or Hyper UNet: for one of these set few ' +
  'steps, CFG scale 1 and trailing timesteps.';

interface BasesProps {
  readonly unet: UnetAlone;
  readonly onChosen?: () => void;
}

/** The models here that have what a UNet alone lacks. */
export function Bases({ unet, onChosen }: BasesProps) {
  const choice = useModels((models) => models.choice);
  const stored = useModels((models) => models.stored);
  const { takeUnet } = useModels.getState();
  const bases = basesOf(unet, choice, stored);
  if (bases.length === 0)
    return (
      <p>
        No such model is here. Fetch one from Hugging Face or open one from your disk; then this UNet can be used with
        it.
      </p>
    );
  return (
    <>
      <p className={styles.quiet}>
        {unet.byName && unet.usual ? `${saidByName(unet.byName)} It is suggested ${usualText(unet.usual)}.` : UNSAID}
      </p>
      <p className={styles.actions}>
        {bases.map((base, at) => (
          <button
            key={base.ref.id}
            type="button"
            className={at === 0 ? styles.primary : undefined}
            onClick={() => {
              takeUnet(unet, base);
              onChosen?.();
            }}
          >
            Use it with {base.name}
          </button>
        ))}
      </p>
    </>
  );
}
