// How prompts are read, and the model, where its files do not say it or say it wrongly: what the UNet predicts, how
// its schedule ends, and which layer of the text encoder the prompt is taken from.

import { FIELDS } from '../../settings/fields';
import { useStore } from '../../store/store';
import { choiceLabels } from './choiceLabels';
import styles from './Controls.module.css';
import { EmphasisField } from './EmphasisField';
import { NumberField } from './NumberField';
import { SelectField } from './SelectField';

const AS_MODEL = 'As the model says';

export function ModelReading() {
  const { prediction, terminalSnr, clipSkip } = useStore((store) => store.settings);
  const change = useStore((store) => store.change);
  const model = useStore((store) => store.job.model);
  const said = (what: string) => (model ? `${AS_MODEL} (${what})` : AS_MODEL);
  const most = model?.mostClipSkip ?? FIELDS.clipSkip.max;
  return (
    <details className={styles.group}>
      <summary>How prompts and the model are read</summary>
      <div className={styles.fields}>
        <EmphasisField />
        <SelectField
          label="Prediction"
          value={prediction}
          options={{
            ...choiceLabels('prediction'),
            model: said(
              model?.predictionType === 'v_prediction' ? 'v' : model?.predictionType === 'sample' ? 'x₀' : 'ε',
            ),
          }}
          hint={
            'What the UNet predicts. Nothing but noise or brown mush in the picture? Choose the other one: ' +
            'v is usual for Stable Diffusion 2.x at 768 pixels, and files may not say so.'
          }
          onChange={(prediction) => change({ prediction })}
        />
        <SelectField
          label="Terminal SNR"
          value={terminalSnr}
          options={{
            ...choiceLabels('terminalSnr'),
            model: said(model?.scheduler.rescale_betas_zero_snr ? 'zero' : 'above zero'),
          }}
          hint="Zero suits models that were trained up to pure noise, most of which predict v."
          onChange={(terminalSnr) => change({ terminalSnr })}
        />
        <NumberField
          label="Clip skip"
          value={clipSkip}
          rule={FIELDS.clipSkip}
          hint={clipSkipHint(clipSkip, most)}
          onChange={(clipSkip) => change({ clipSkip })}
        />
      </div>
    </details>
  );
}

function clipSkipHint(clipSkip: number, most: number): string {
  if (most === 1) return 'Not read: this model’s text encoder gives its last layer alone.';
  if (clipSkip > most) return `Read as ${most}: this model’s text encoder has no more layers.`;
  return 'At which of the text encoder’s layers, from the last, the prompt is read. Anime models often want 2.';
}
