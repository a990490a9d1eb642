// A modal dialog with a title and a Close button. A click beside it closes it, as Esc does. The store knows that one is
// open: the page's keys and a reload wait for it.

import { useEffect, useId, useRef, type ReactNode } from 'react';
import { useStore } from '../store/store';
import styles from './Dialog.module.css';

interface Props {
  readonly title: string;
  readonly open: boolean;
  readonly onClose: () => void;
  /** It has all the window, and its content shares that out; a click beside it is not to close it. */
  readonly fills?: boolean;
  readonly children: ReactNode;
}

export function Dialog({ title, open, onClose, fills = false, children }: Props) {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  const countDialog = useStore((store) => store.countDialog);
  useEffect(() => {
    const dialog = element.current;
    if (!dialog || !open) return;
    dialog.showModal();
    countDialog(1);
    return () => {
      dialog.close();
      countDialog(-1);
    };
  }, [open, countDialog]);
  return (
    <dialog
      ref={element}
      className={fills ? `${styles.dialog} ${styles.fills}` : styles.dialog}
      aria-labelledby={id}
      onClick={(event) => event.target === element.current && !fills && onClose()}
      onClose={onClose}
    >
      <div className={styles.body}>
        <header className={styles.header}>
          <h2 id={id}>{title}</h2>
          <button type="button" onClick={onClose}>
            Close
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
