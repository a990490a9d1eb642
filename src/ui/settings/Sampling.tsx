// How a run goes from noise to latents: the scheduler, its noise levels, and whose random numbers there are. Closed
// until it is wanted, since what stands there is the model's own.

import { labelOf } from '../../settings/fields';
import { useStore } from '../../store/store';
import { choiceLabels } from './choiceLabels';
import styles from './Controls.module.css';
import { SelectField } from './SelectField';

export function Sampling() {
  const { scheduler, sigmas, spacing, noiseSource } = useStore((store) => store.settings);
  const change = useStore((store) => store.change);
  return (
    <details className={styles.group}>
      <summary>
        Sampling <span className={styles.now}>{labelOf('scheduler', scheduler)}</span>
      </summary>
      <div className={styles.fields}>
        <SelectField
          label="Scheduler"
          value={scheduler}
          options={choiceLabels('scheduler')}
          hint="The rule that turns predictions into the next latents."
          onChange={(scheduler) => change({ scheduler })}
        />
        <SelectField
          label="Sigmas"
          value={sigmas}
          options={choiceLabels('sigmas')}
          hint="How noise levels are spread; Karras spends more steps at low noise. DDIM does not use it."
          onChange={(sigmas) => change({ sigmas })}
        />
        <SelectField
          label="Timestep spacing"
          value={spacing}
          options={choiceLabels('spacing')}
          hint="Which training timesteps are visited; turbo models want trailing, or ComfyUI’s turbo."
          onChange={(spacing) => change({ spacing })}
        />
        <SelectField
          label="Noise"
          value={noiseSource}
          options={choiceLabels('noiseSource')}
          hint="Whose random numbers the seed begins: the CPU’s, as in diffusers and ComfyUI, or a GPU’s, as in A1111."
          onChange={(noiseSource) => change({ noiseSource })}
        />
      </div>
    </details>
  );
}
