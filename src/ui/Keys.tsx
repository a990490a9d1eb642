// The list of keys. Not modal: it covers nothing that is needed.

import styles from './Keys.module.css';

const KEYS: readonly (readonly [string, string])[] = [
  ['Ctrl or ⌘ + Enter', 'Generate'],
  ['Esc', 'Cancel'],
  ['Space, held', 'Swap the two images in place'],
  ['← →', 'Move a slider by its natural step, or choose among several images'],
  ['?', 'Show or hide this list'],
];

export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <aside className={styles.keys} aria-label="Keys">
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </aside>
  );
}
