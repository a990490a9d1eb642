// "What PAG is doing": the sum that is computed, with the run's own numbers in it, and what it costs.

import { useStore } from '../../store/store';
import { predictionsText, sumText } from '../pag/guidanceWords';
import styles from './Explain.module.css';

export function Explain() {
  const settings = useStore((store) => store.settings);
  const embedded = useStore((store) => store.job.model?.guidanceEmbedded ?? false);
  const shown = useStore((store) => store.job.shown);
  const sites = useStore((store) => store.job.model?.sites.length);
  const stats = shown?.stats;
  return (
    <details className={styles.explain}>
      <summary>What PAG is doing</summary>
      <p className={styles.sum}>{sumText(settings, embedded)}</p>
      <p>{predictionsText(settings, embedded)}</p>
      {stats && (
        <p>
          Last run: {stats.perturbedSites.length} of {sites} self-attentions perturbed, {stats.rowsBeforeFork} rows up
          to the first of them and {stats.rowsAfterFork} behind it in a step, {stats.unetRows} rows in all.
          {stats.keptWithoutPag &&
            ' The image without PAG is the one that was there before: none of them was run for it.'}
          {stats.keptSteps !== undefined &&
            (stats.keptSteps === 1
              ? ' The first step is the one that was there before.'
              : ` The first ${stats.keptSteps} steps are those that were there before.`)}
        </p>
      )}
    </details>
  );
}
