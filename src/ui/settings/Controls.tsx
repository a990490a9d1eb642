// Everything that a run is made of, with one sentence where each control stands.

import { useModels } from '../../store/models';
import { FIELDS } from '../../settings/fields';
import { ideasFor } from '../../store/settings';
import { useStore } from '../../store/store';
import { choiceLabels } from './choiceLabels';
import styles from './Controls.module.css';
import { Region } from '../errors/ErrorBoundary';
import { LayersField } from '../pag/LayersField';
import { ModelPanel } from '../model/ModelPanel';
import { EmbeddingField } from './EmbeddingField';
import { Ideas } from './Ideas';
import { LoraField } from './LoraField';
import { ModelReading } from './ModelReading';
import { NumberField } from './NumberField';
import { LiveSwitch } from '../pag/LiveSwitch';
import { PagAdvanced } from '../pag/PagAdvanced';
import { PagSlider } from '../pag/PagSlider';
import { PromptField } from './PromptField';
import { Sampling } from './Sampling';
import { SelectField } from './SelectField';
import { SizeField } from './SizeField';
import { StartImageField } from '../start/StartImageField';
import { UnetDrawing } from '../pag/UnetDrawing';

export function Controls() {
  const settings = useStore((store) => store.settings);
  const change = useStore((store) => store.change);
  const embedded = useStore((store) => store.job.model?.guidanceEmbedded ?? false);
  const isBuiltIn = useModels((models) => models.choice.ref.kind === 'url');
  const unread = embedded
    ? 'This model does not read a negative prompt.'
    : settings.guidanceScale > 1
      ? null
      : 'Not read: CFG is off at a scale of 1.';
  return (
    <form className={styles.controls} aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
      <div className={styles.folds}>
        <Region name="The choice of models">
          <ModelPanel />
        </Region>
        <Region name="LoRA">
          <LoraField />
        </Region>
        <Region name="Embeddings">
          <EmbeddingField />
        </Region>
      </div>
      <section className={styles.group}>
        <PromptField name="prompt" label="Prompt" rows={2} />
        <Ideas ideas={ideasFor(isBuiltIn)} />
        <PromptField name="negativePrompt" label="Negative prompt" rows={1} unread={unread} />
      </section>

      <section className={styles.group}>
        <NumberField
          label="PAG scale"
          beside
          value={settings.pagScale}
          rule={FIELDS.pagScale}
          hint="How hard to steer away from the perturbed prediction; 0 is off."
          onChange={(pagScale) => change({ pagScale })}
        />
        <PagSlider value={settings.pagScale} onChange={(pagScale) => change({ pagScale })} />
        <LiveSwitch />
        <LayersField />
        <Region name="The drawing of the UNet">
          <UnetDrawing />
        </Region>
        <label className={styles.check}>
          <input
            type="checkbox"
            role="switch"
            checked={settings.compare}
            onChange={(event) => change({ compare: event.target.checked })}
          />
          <span>Compare</span>
        </label>
        <p className={styles.hint}>Makes the image without PAG too, from the same seed.</p>
        <Region name="PAG over the run">
          <PagAdvanced />
        </Region>
      </section>

      <section className={styles.group}>
        <Region name="The size of the pictures">
          <SizeField />
        </Region>
        <NumberField
          label="Images"
          value={settings.images}
          rule={FIELDS.images}
          hint="Of this seed and those that follow it."
          onChange={(images) => change({ images })}
        />
      </section>

      <section className={styles.group}>
        <div className={styles.columns}>
          <NumberField
            label="Steps"
            value={settings.steps}
            rule={FIELDS.steps}
            hint="More are slower and finer."
            onChange={(steps) => change({ steps })}
          />
          <NumberField
            label="CFG scale"
            value={settings.guidanceScale}
            rule={FIELDS.guidanceScale}
            hint={
              embedded
                ? 'Pull towards the prompt: an input of this UNet, at no cost.'
                : 'Pull towards the prompt; 1 is off.'
            }
            onChange={(guidanceScale) => change({ guidanceScale })}
          />
        </div>
        <div className={styles.seed}>
          <NumberField
            label="Seed"
            value={settings.seed}
            rule={FIELDS.seed}
            hint="Same seed, same settings, same image."
            onChange={(seed) => change({ seed })}
          />
          <button type="button" onClick={() => change({ seed: crypto.getRandomValues(new Uint32Array(1))[0]! })}>
            Random seed
          </button>
        </div>
      </section>

      <div className={styles.folds}>
        <Region name="The start image">
          <StartImageField />
        </Region>

        <Sampling />

        <ModelReading />

        <details className={styles.group}>
          <summary>Device</summary>
          <SelectField
            label="Run on"
            value={settings.backend}
            options={choiceLabels('backend')}
            hint="Automatic takes the GPU where the browser offers it."
            onChange={(backend) => change({ backend })}
          />
        </details>

        <details className={styles.group}>
          <summary>About</summary>
          <p className={styles.hint}>
            The built-in model was trained on Noto Emoji (© Google Inc, Apache License 2.0) and on Fluent Emoji and
            Fluent Emoji Flat (© Microsoft Corporation, MIT License), with keywords from emojilib (MIT License). Nothing
            that you type or make leaves this device.
          </p>
          <p className={styles.hint}>
            Pagoda is free software (MIT License).{' '}
            <a href="third-party-notices.txt" target="_blank" rel="noreferrer">
              Licences of all that it contains
            </a>
          </p>
        </details>
      </div>
    </form>
  );
}
