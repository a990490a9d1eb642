// The mask on the start image: painted, or chosen as a file, and what is done with it.

import { useId, useRef, useState } from 'react';
import { FIELDS } from '../../settings/fields';
import { useStartImage } from '../../store/startImage';
import { useStartMask } from '../../store/startMask';
import { useStore } from '../../store/store';
import { choiceLabels } from '../settings/choiceLabels';
import controls from '../settings/Controls.module.css';
import { NumberField } from '../settings/NumberField';
import { SelectField } from '../settings/SelectField';
import { MaskEditor } from './MaskEditor';
import { maskText } from './maskWords';
import styles from './StartImage.module.css';

export function MaskField() {
  const [open, setOpen] = useState(false);
  const share = useStartMask((store) => store.share);
  const said = useStartMask((store) => store.said);
  const isMasked = useStartImage((store) => store.chosen?.image.mask !== undefined);
  const { choose, save, clear } = useStartMask.getState();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <div className={styles.mask} role="group" aria-label="Mask">
        <div className={styles.actions}>
          <button type="button" onClick={() => setOpen(true)}>
            Paint mask
          </button>
          <button type="button" onClick={() => input.current?.click()}>
            Mask from a file
          </button>
          {share > 0 && (
            <>
              <button type="button" onClick={() => void save()}>
                Save mask
              </button>
              <button type="button" onClick={clear}>
                Clear mask
              </button>
            </>
          )}
        </div>
        <input
          ref={input}
          type="file"
          hidden
          accept="image/*"
          aria-label="Mask image"
          onChange={({ target }) => {
            const [file] = target.files ?? [];
            if (file) void choose(file);
            // The same file may be chosen again.
            target.value = '';
          }}
        />
        <p className={styles.hint} aria-live="polite">
          {maskText(share)}
        </p>
        {said.map((sentence) => (
          <p key={sentence} className={styles.note} role="status">
            {sentence}
          </p>
        ))}
      </div>
      {isMasked && <MaskSettings />}
      <MaskEditor open={open} onClose={() => setOpen(false)} />
    </>
  );
}

function MaskSettings() {
  const id = useId();
  const area = useStore((store) => store.settings.maskArea);
  const padding = useStore((store) => store.settings.maskPadding);
  const feather = useStore((store) => store.settings.maskFeather);
  const keepRest = useStore((store) => store.settings.keepRest);
  const { change } = useStore.getState();
  return (
    <>
      <SelectField
        label="Inpaint area"
        value={area}
        options={choiceLabels('maskArea')}
        hint={
          area === 'masked'
            ? 'What lies around the mask is made at the full size, then put back into the picture.'
            : 'All of the picture is looked at, at the size that is made.'
        }
        onChange={(maskArea) => change({ maskArea })}
      />
      <div className={controls.columns}>
        <NumberField
          label="Feather"
          value={feather}
          rule={FIELDS.maskFeather}
          hint="How soft the mask’s edge is, in pixels."
          onChange={(maskFeather) => change({ maskFeather })}
        />
        {area === 'masked' && (
          <NumberField
            label="Padding"
            value={padding}
            rule={FIELDS.maskPadding}
            hint="Pixels around the mask that are looked at too."
            onChange={(maskPadding) => change({ maskPadding })}
          />
        )}
      </div>
      <div>
        <label className={`${controls.check} ${styles.check}`}>
          <input
            type="checkbox"
            aria-describedby={id}
            checked={keepRest}
            onChange={(event) => change({ keepRest: event.target.checked })}
          />
          Keep the rest as it is
        </label>
        <p id={id} className={styles.hint}>
          Beyond the mask each pixel stays the start image’s; else it is what the VAE makes of it.
        </p>
      </div>
    </>
  );
}
