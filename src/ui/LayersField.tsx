// Which self-attentions are perturbed: picked from a list or typed in diffusers' or ComfyUI's notation.

import { useId } from 'react';
import { useStore } from '../store/store';
import styles from './NumberField.module.css';

const SETS = ['mid', 'down', 'up', 'all'];

export function LayersField() {
  const id = useId();
  const layers = useStore((store) => store.settings.layers);
  const change = useStore((store) => store.change);
  const sites = useStore((store) => store.job.model?.sites);
  return (
    <div className={styles.field}>
      <label htmlFor={id}>Layers</label>
      <input
        id={id}
        type="text"
        list={`${id}-sets`}
        autoComplete="off"
        spellCheck={false}
        aria-describedby={`${id}-hint`}
        value={layers}
        onChange={(event) => change({ layers: event.target.value })}
      />
      <datalist id={`${id}-sets`}>
        {SETS.map((set) => <option key={set} value={set} />)}
        {sites?.map((site) => <option key={site.name} value={site.comfyName}>{site.name}</option>)}
      </datalist>
      <p id={`${id}-hint`} className={styles.hint}>
        Self-attentions to perturb: mid, down, up, all, or a list such as “d0,m0,u1-2” or “down.block_1”.
      </p>
    </div>
  );
}
