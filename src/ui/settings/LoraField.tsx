// LoRA that are merged into the model's weights: adding files, a weight for each, what each is and how much of it fits
// the model.

import { LORA_WEIGHT, readPrompt, useLoras, type Lora, type UsedLora } from '../../store/loras';
import { useModels } from '../../store/models';
import { useStore } from '../../store/store';
import { AddFiles } from './AddFiles';
import controls from './Controls.module.css';
import styles from './LoraField.module.css';
import { loraText, NO_LORA } from './loraWords';
import { NumberField } from './NumberField';
import { useShownAfterDrop } from './useShownAfterDrop';

export function LoraField() {
  const prompt = useStore((store) => store.settings.prompt);
  const loras = useLoras((store) => store.loras);
  const used = readPrompt(prompt, loras).loras;
  const refused = useLoras((store) => store.refused);
  const { add } = useLoras.getState();
  const id = useModels((models) => models.choice.ref.id);
  const takesNone = useStore(({ job }) => job.model?.id === id && job.model.loras === undefined);
  const group = useShownAfterDrop(useLoras((store) => store.drops));
  return (
    <details ref={group} className={controls.group} aria-label="LoRA">
      <summary>LoRA{loras.length > 0 && ` (${loras.length})`}</summary>
      <div className={styles.inside}>
        {takesNone && <p className={loras.length > 0 ? styles.note : styles.hint}>{NO_LORA}</p>}
        {loras.length > 0 && (
          <ul className={styles.list} aria-label="LoRA in use">
            {loras.map((lora, at) => (
              <LoraItem key={lora.id} lora={lora} used={used[at]!} takesNone={takesNone} />
            ))}
          </ul>
        )}
        <AddFiles label="Add LoRA" inputLabel="LoRA file" refused={refused} onAdd={(files) => void add(files)} />
      </div>
    </details>
  );
}

function LoraItem({
  lora: { id, name, what, weight },
  used: { tag, weight: inPrompt },
  takesNone,
}: {
  readonly lora: Lora;
  readonly used: UsedLora;
  readonly takesNone: boolean;
}) {
  const model = useModels((models) => models.choice.ref.id);
  const use = useStore(({ job }) => (job.model?.id === model ? (job.model.loras?.[id] ?? null) : null));
  const { setWeight, remove } = useLoras.getState();
  return (
    <li>
      <NumberField
        label={`Weight of ${name}`}
        value={weight}
        rule={LORA_WEIGHT}
        hint={loraText(what, {
          use: takesNone ? null : use,
          inPrompt: tag && { weight: inPrompt, note: tag.note },
        })}
        onChange={(value) => setWeight(id, value)}
      />
      {use && use.unused.length > 0 && !takesNone && (
        <details className={styles.unused}>
          <summary>{use.keys - use.used} keys that fit nothing</summary>
          <pre>
            {use.unused.join('\n')}
            {use.keys - use.used > use.unused.length && '\n…'}
          </pre>
        </details>
      )}
      <button type="button" className={styles.remove} aria-label={`Remove ${name}`} onClick={() => remove(id)}>
        Remove
      </button>
    </li>
  );
}
