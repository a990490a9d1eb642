// Which self-attentions are perturbed: picked from a list or typed in diffusers' or ComfyUI's notation.

import { useId } from 'react';
import { useStore } from '../../store/store';
import { FIELDS } from '../../settings/fields';
import styles from '../settings/NumberField.module.css';
import { useBoundedText } from '../settings/useBoundedText';

const SETS = ['mid', 'down', 'up', 'all'];

export function LayersField() {
  const id = useId();
  const layers = useStore((store) => store.settings.layers);
  const change = useStore((store) => store.change);
  const { ref, note, onChange } = useBoundedText<HTMLInputElement>(FIELDS.layers.letters, (text) =>
    change({ layers: text }),
  );
  const sites = useStore((store) => store.job.model?.sites);
  return (
    <div className={styles.field}>
      <label htmlFor={id}>Layers</label>
      <input
        ref={ref}
        id={id}
        type="text"
        list={`${id}-sets`}
        autoComplete="off"
        spellCheck={false}
        aria-describedby={`${id}-hint`}
        value={layers}
        onChange={onChange}
      />
      <datalist id={`${id}-sets`}>
        {SETS.map((set) => (
          <option key={set} value={set} />
        ))}
        {sites?.map((site) => (
          <option key={site.name} value={site.comfyName}>
            {site.name}
          </option>
        ))}
      </datalist>
      {note && <p className={styles.note}>{note}</p>}
      <p id={`${id}-hint`} className={styles.hint}>
        Self-attentions to perturb: mid, down, up, all, or a list such as “d0,m0,u1-2” or “down.block_1”.
      </p>
    </div>
  );
}
