// "From an image": the picture that runs begin from, how it comes to their size, how much of the run is made of it, and
// what of it is made anew.

import { useEffect, useRef } from 'react';
import { FIELDS } from '../../settings/fields';
import { useStartImage, type ChosenStart } from '../../store/startImage';
import { useStore } from '../../store/store';
import { choiceLabels } from '../settings/choiceLabels';
import controls from '../settings/Controls.module.css';
import { NumberField } from '../settings/NumberField';
import { SelectField } from '../settings/SelectField';
import { useShownAfterDrop } from '../settings/useShownAfterDrop';
import { MaskField } from './MaskField';
import { MaskedPicture } from './MaskedPicture';
import { RepairPreset } from './RepairPreset';
import styles from './StartImage.module.css';

export function StartImageField() {
  const chosen = useStartImage((store) => store.chosen);
  const refused = useStartImage((store) => store.refused);
  const offers = useStartImage((store) => store.offers);
  const shown = useStore((store) => store.job.shown);
  const encodes = useStore((store) => store.job.model?.encodes ?? true);
  const { choose, chooseMade, remove } = useStartImage.getState();
  const input = useRef<HTMLInputElement>(null);
  const section = useShownAfterDrop(offers);
  usePasted(section, (file) => void choose(file));
  return (
    <details ref={section} className={controls.group}>
      <summary>From an image{chosen && ' (in use)'}</summary>
      <div
        className={styles.inside}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          const [file] = event.dataTransfer.files;
          if (!file?.type.startsWith('image/')) return;
          event.preventDefault();
          event.stopPropagation();
          void choose(file);
        }}
      >
        {!encodes && (
          <p className={chosen ? styles.note : styles.hint}>
            This model has no encoder: it makes pictures from noise alone. Choose another model to begin from an image.
          </p>
        )}
        {refused !== null && (
          <p role="alert" className={styles.note}>
            {refused}
          </p>
        )}
        {chosen && <Chosen chosen={chosen} />}
        <div className={styles.actions}>
          <button type="button" onClick={() => input.current?.click()}>
            {chosen ? 'Choose another' : 'Choose picture'}
          </button>
          {shown?.stats && (
            <button
              type="button"
              onClick={() => void chooseMade(shown.pair.withPag, `${shown.settings.prompt.slice(0, 60)} (made here)`)}
            >
              Use the one with PAG
            </button>
          )}
          {chosen && (
            <button type="button" aria-label="Remove the start image" onClick={remove}>
              Remove
            </button>
          )}
        </div>
        <input
          ref={input}
          type="file"
          hidden
          accept="image/*"
          aria-label="Start image"
          onChange={({ target }) => {
            const [file] = target.files ?? [];
            if (file) void choose(file);
            // The same file may be chosen again.
            target.value = '';
          }}
        />
        {chosen ? (
          <>
            <MaskField />
            <HowMuch />
          </>
        ) : (
          <p className={styles.hint}>
            Choose, drop here or paste a picture: it is noised, and made anew from there, all of it or what you paint.
          </p>
        )}
        {chosen && <RepairPreset />}
      </div>
    </details>
  );
}

/** Longest edge in CSS pixels. */
const EDGE = 112;

function Chosen({ chosen: { name, image, url, notes } }: { readonly chosen: ChosenStart }) {
  const scale = EDGE / Math.max(image.width, image.height);
  const box = { width: Math.max(1, image.width * scale), height: Math.max(1, image.height * scale) };
  return (
    <>
      <figure className={styles.chosen}>
        <div className={styles.picture} style={box}>
          <MaskedPicture name={`The start image: ${name}`} url={url} size={image} box={box} stripe={3} />
        </div>
        <figcaption>
          {name}
          <br />
          {image.width} × {image.height}
        </figcaption>
      </figure>
      {notes.map((note) => (
        <p key={note} className={styles.hint}>
          {note}
        </p>
      ))}
    </>
  );
}

function HowMuch() {
  const settings = useStore((store) => store.settings);
  // Of what lies around a mask the shape is the run's.
  const isPart = useStartImage((store) => store.chosen?.image.mask !== undefined) && settings.maskArea === 'masked';
  const { change } = useStore.getState();
  const steps = Math.min(Math.floor(settings.steps * settings.strength), settings.steps);
  return (
    <>
      <NumberField
        label="Strength"
        value={settings.strength}
        rule={FIELDS.strength}
        hint={`How much is made anew: ${steps} of ${settings.steps} steps run. 1 keeps next to nothing.`}
        onChange={(strength) => change({ strength })}
      />
      {!isPart && (
        <SelectField
          label="Fit"
          value={settings.startFit}
          options={choiceLabels('startFit')}
          hint="How a picture of another shape comes to the size that is made."
          onChange={(startFit) => change({ startFit })}
        />
      )}
    </>
  );
}

/** A picture that is pasted while the section is open. */
function usePasted(section: React.RefObject<HTMLDetailsElement | null>, take: (file: File) => void): void {
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
      if (!file || !section.current?.open) return;
      event.preventDefault();
      latest.current(file);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, [section]);
}
