// "What PAG is doing": the sum that is computed, with the run's own numbers in it, and what it costs.

import { useStore } from '../store/store';
import styles from './Explain.module.css';

export function Explain() {
  const { guidanceScale: g, pagScale: s } = useStore((store) => store.settings);
  const shown = useStore((store) => store.job.shown);
  const sites = useStore((store) => store.job.model?.sites.length);
  const stats = shown?.stats;
  return (
    <details className={styles.explain}>
      <summary>What PAG is doing</summary>
      <p className={styles.sum}>
        {g > 1 ? `ε̃ = ε_uncond + ${g}·(ε_cond − ε_uncond)` : 'ε̃ = ε_cond'}
        {s > 0 && ` + ${s}·(ε_cond − ε_perturbed)`}
      </p>
      <p>
        At each step the UNet predicts the noise with the prompt (cond)
        {g > 1 && ', without it (uncond)'}
        {s > 0 && ', and once more with the chosen self-attentions returning their values unmixed (perturbed)'}.
        {s > 0 ? ' That last prediction has lost its structure; steering away from it gives structure back.' : ' PAG is off.'}
      </p>
      {stats && (
        <p>
          Last run: {stats.perturbedSites.length} of {sites} self-attentions perturbed, {stats.rowsBeforeFork} rows up to
          the first of them and {stats.rowsAfterFork} behind it in each step, {stats.unetRows} rows in all.
        </p>
      )}
    </details>
  );
}
