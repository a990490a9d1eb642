// The size of the pictures: two numbers in the multiples that the model needs, the usual shapes at about its own area,
// and what the device says of it where that is not good.

import { isSameSize, usualShapes } from '../../settings/pictureShapes';
import { edgeRule, pictureSize, sizeSettings, type Size } from '../../settings/pictureSize';
import { useModels } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './SizeField.module.css';
import { NumberField } from './NumberField';

export function SizeField() {
  const width = useStore((store) => store.settings.width);
  const height = useStore((store) => store.settings.height);
  const change = useStore((store) => store.change);
  const ref = useModels((models) => models.choice.ref.id);
  const model = useStore((store) => (store.job.model?.id === ref ? store.job.model : null));
  const verdict = useStore((store) => (store.job.verdict?.modelId === ref ? store.job.verdict : null));
  if (!model) return null;
  const { sizes, sdxl } = model;
  const { own, multiple, isFixed } = sizes;
  const size = pictureSize({ width, height }, sizes);
  const asked = { width: width || own.width, height: height || own.height };
  const set = (next: Partial<Size>) => change(sizeSettings({ ...size, ...next }, sizes));
  const field = (label: string, edge: 'width' | 'height') => (
    <NumberField
      label={label}
      value={size[edge]}
      rule={edgeRule(sizes, edge)}
      hint={
        edge === 'height' ? `Model’s: ${sizeText(own)}.` : isFixed ? 'Fixed by its graph.' : `In steps of ${multiple}.`
      }
      fixed={isFixed}
      onChange={(value) => set({ [edge]: value })}
    />
  );
  return (
    <div className={styles.size}>
      <div className={styles.edges}>
        {field('Width', 'width')}
        <button
          type="button"
          className={styles.swap}
          aria-label="Swap width and height"
          title="Swap width and height"
          disabled={isFixed}
          onClick={() => set({ width: size.height, height: size.width })}
        >
          ⇄
        </button>
        {field('Height', 'height')}
      </div>
      {isFixed ? (
        <p className={styles.hint}>This model’s graph was exported for pictures of {sizeText(own)} alone.</p>
      ) : (
        <div className={styles.shapes} role="group" aria-label="Shape">
          {usualShapes(sizes, sdxl).map((shape) => (
            <button
              key={shape.name}
              type="button"
              aria-pressed={isSameSize(shape, size)}
              title={sizeText(shape)}
              onClick={() => set(shape)}
            >
              <span aria-hidden="true" style={outline(shape)} />
              {shape.name}
            </button>
          ))}
        </div>
      )}
      {!isSameSize(asked, size) && (
        <p className={styles.note}>
          Asked for are {sizeText(asked)}; this model makes {sizeText(size)}.
        </p>
      )}
      {verdict?.ofSize && (
        <p className={styles.bad}>
          {verdict.level === 'no' ? 'Too large for this device. ' : 'It may be too large for this device. '}
          {verdict.reasons[0]}
        </p>
      )}
    </div>
  );
}

function sizeText({ width, height }: Size): string {
  return `${width} × ${height}`;
}

/** Of an area of 12² CSS pixels. */
function outline({ width, height }: Size) {
  const scale = 12 / Math.sqrt(width * height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
