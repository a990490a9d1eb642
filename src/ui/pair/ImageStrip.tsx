// The images of a run of several, small, under the pair: the chosen one is large above. Native radio buttons, so that
// Tab stops once and the arrows choose.

import { useId } from 'react';
import { imageSeed } from '../../settings/seeds';
import { saveImages } from '../../store/saveFile';
import { useStore } from '../../store/store';
import styles from './ImageStrip.module.css';
import { Picture } from './Picture';

/** Longest edge of a small one, in CSS pixels. */
const EDGE = 64;

export function ImageStrip() {
  const name = useId();
  const shown = useStore((store) => store.job.shown);
  const choose = useStore((store) => store.choose);
  if (!shown?.images) return null;
  const { all, chosen } = shown.images;
  const { width, height } = shown.size;
  const scale = EDGE / Math.max(width, height);
  const box = { width: Math.round(width * scale), height: Math.round(height * scale) };
  return (
    <div className={styles.strip}>
      <div className={styles.images} role="radiogroup" aria-label="Images of this run">
        {all.map(({ pair }, image) => {
          const seed = imageSeed(shown.settings.seed, image);
          return (
            <label key={image} title={`Seed ${seed}`}>
              <input
                type="radio"
                name={name}
                aria-label={`Image ${image + 1}, seed ${seed}`}
                checked={image === chosen}
                disabled={!pair}
                onChange={() => choose(image)}
              />
              <span aria-hidden="true">
                <Picture name="" pixels={pair?.withPag ?? null} size={shown.size} box={box} />
              </span>
            </label>
          );
        })}
      </div>
      <button type="button" disabled={all.every(({ stats }) => stats === null)} onClick={() => void saveImages(shown)}>
        Save all
      </button>
    </div>
  );
}
