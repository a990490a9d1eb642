// Which model makes the images. The line in the controls names it; its dialog lists what is on the device, a few
// models of the hub, any repository, and a checkpoint or a folder on disk.

import { useId } from 'react';
import { useModels } from '../../store/models';
import { useStore } from '../../store/store';
import { Dialog } from '../Dialog';
import { Region } from '../errors/ErrorBoundary';
import styles from './ModelPanel.module.css';
import { ModelPanelCheckpoint } from './ModelPanelCheckpoint';
import { ModelPanelHub } from './ModelPanelHub';
import { ModelPanelStored } from './ModelPanelStored';
import { ModelPanelFolder } from './ModelPanelFolder';
import { ModelPanelUsual } from './ModelPanelUsual';
import { percentText } from './modelWords';
import { verdictText } from '../words';

export function ModelPanel() {
  const id = useId();
  const open = useModels((models) => models.panelOpen);
  const choice = useModels((models) => models.choice);
  const { unet } = choice.vae?.own ?? choice;
  const fetching = useModels((models) =>
    models.stored.find(({ state }) => state === 'fetching' || state === 'waiting'),
  );
  const verdict = useStore((store) => (store.job.verdict?.modelId === choice.ref.id ? store.job.verdict : null));
  const gone = useModels((models) => models.gone);
  const { dismiss, lookUp, showPanel } = useModels.getState();
  const show = () => showPanel(true);
  const close = () => showPanel(false);
  return (
    <section className={styles.line} aria-labelledby={`${id}-name`}>
      <span id={`${id}-name`} className={styles.label}>
        Model
      </span>
      <button
        type="button"
        className={styles.open}
        aria-haspopup="dialog"
        aria-label={`Model: ${choice.name}. Change`}
        onClick={show}
      >
        <span>{choice.name}</span>
        <span aria-hidden="true" className={styles.quiet}>
          Change
        </span>
      </button>
      {unet && <p className={styles.quiet}>Text encoders, VAE and scheduler of {unet.base.name}</p>}
      {verdict && (
        <p className={styles.quiet} aria-label="Verdict">
          {verdictText(verdict)}
        </p>
      )}
      {gone && (
        <div className={styles.usual} role="alert">
          <p className={styles.quiet}>
            {gone.name} is no longer on this device, deleted in another tab or by the browser. {gone.instead} is used
            instead.
          </p>
          <div className={styles.actions}>
            {gone.repo && (
              <button
                type="button"
                onClick={() => {
                  show();
                  void lookUp(gone.repo, '');
                }}
              >
                Fetch it again
              </button>
            )}
            <button type="button" onClick={dismiss}>
              Dismiss
            </button>
          </div>
        </div>
      )}
      <ModelPanelUsual />
      {fetching && (
        <p className={styles.quiet}>
          {fetching.state === 'waiting'
            ? 'Waiting for the network'
            : `Fetching ${fetching.name} · ${percentText(fetching)}`}
        </p>
      )}
      {/* A dialog inside the form of the settings: Enter in its fields must not submit that. */}
      <Dialog title="Models" open={open} onClose={close}>
        <Region name="The list of models on this device">
          <ModelPanelStored onChosen={close} />
        </Region>
        <Region name="The models of the hub">
          <ModelPanelHub />
        </Region>
        <Region name="The checkpoint on disk">
          <ModelPanelCheckpoint />
        </Region>
        <Region name="The folder on disk">
          <ModelPanelFolder onChosen={close} />
        </Region>
      </Dialog>
    </section>
  );
}
