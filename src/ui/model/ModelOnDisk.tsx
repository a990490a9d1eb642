// A model that lies on the visitor's disk and is read in place: how it is chosen, what is in use, the verdict on it,
// and what went wrong.

import type { ReactNode } from 'react';
import type { FetchErrorData } from '../../library/fetchError';
import type { Weights } from '../../models/estimate';
import { useModels, verdictOf } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './ModelPanel.module.css';
import { ModelPanelError } from './ModelPanelError';

interface Props {
  /** Of the region, for assistive technology. */
  readonly label: string;
  readonly title: string;
  readonly hint: string;
  /** What it is, where it is the model that is chosen; null where it is not. */
  readonly inUse: { readonly text: string; readonly weights: Weights } | null;
  readonly error: FetchErrorData | null;
  /** The button that opens the browser's own choice, and its input. */
  readonly children: ReactNode;
}

export function ModelOnDisk({ label, title, hint, inUse, error, children }: Props) {
  const device = useStore((store) => store.job.device);
  // The engine's own words, as soon as it has the graphs.
  const verdict = useStore((store) => store.job.verdict);
  const id = useModels((models) => models.choice.ref.id);
  const { dismiss } = useModels.getState();
  const said = verdict?.modelId === id ? verdict : null;
  const reasons = inUse ? (said ?? verdictOf(inUse.weights, device, null)).reasons : [];
  return (
    <section aria-label={label} className={styles.section}>
      <h3>{title}</h3>
      <p className={styles.quiet}>{hint}</p>
      <div className={styles.actions}>
        {children}
        {inUse && (
          <span role="status" aria-label={title}>
            {inUse.text} · in use until the page is closed
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
