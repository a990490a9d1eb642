// Textual inversion embeddings: adding files, by which word each is used, and whether it fits the model.

import { named, useEmbeddings } from '../../store/embeddings';
import { useModels } from '../../store/models';
import { useStore } from '../../store/store';
import { AddFiles } from './AddFiles';
import controls from './Controls.module.css';
import { embeddingText, NO_EMBEDDINGS } from './embeddingText';
import styles from './LoraField.module.css';
import { useShownAfterDrop } from './useShownAfterDrop';

export function EmbeddingField() {
  const embeddings = useEmbeddings((store) => store.embeddings);
  const refused = useEmbeddings((store) => store.refused);
  const { add, remove } = useEmbeddings.getState();
  const { prompt, negativePrompt } = useStore((store) => store.settings);
  const used = named(embeddings, prompt, negativePrompt);
  const id = useModels((models) => models.choice.ref.id);
  const info = useStore(({ job }) => (job.model?.id === id ? job.model : null));
  const takesNone = info !== null && info.embeddings === undefined;
  const group = useShownAfterDrop(useEmbeddings((store) => store.drops));
  return (
    <details ref={group} className={controls.group} aria-label="Embeddings">
      <summary>Embeddings{embeddings.length > 0 && ` (${embeddings.length})`}</summary>
      <div className={styles.inside}>
        {takesNone && <p className={embeddings.length > 0 ? styles.note : styles.hint}>{NO_EMBEDDINGS}</p>}
        {embeddings.length > 0 && (
          <ul className={styles.list} aria-label="Embeddings that are loaded">
            {embeddings.map((one) => (
              <li key={one.id}>
                <div className={styles.named}>
                  <strong>{one.name}</strong>
                  <p className={styles.hint}>
                    {embeddingText(one, {
                      fits: info?.embeddings ? info.embeddings.includes(one.id) : null,
                      isNamed: used.includes(one),
                    })}
                  </p>
                </div>
                <button
                  type="button"
                  className={styles.remove}
                  aria-label={`Remove ${one.name}`}
                  onClick={() => remove(one.id)}
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
        <AddFiles
          label="Add embedding"
          inputLabel="Embedding file"
          refused={refused}
          onAdd={(files) => void add(files)}
        />
      </div>
    </details>
  );
}
