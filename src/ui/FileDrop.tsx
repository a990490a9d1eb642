// What is dropped or pasted anywhere on the page is opened: a model, its folder, a LoRA or an embedding, or a picture
// with a recipe in it, or to begin from. Without this the browser would leave the page for a file dropped on it.

import { useEffect, useRef, useState } from 'react';
import { openDropped } from '../store/dropped';
import { useStore } from '../store/store';
import styles from './FileDrop.module.css';

export function FileDrop() {
  const dragging = useFileDrop();
  useFilePaste();
  const overlay = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (dragging) overlay.current?.showPopover();
  }, [dragging]);
  if (!dragging) return null;
  return (
    <div ref={overlay} popover="manual" className={styles.drop} aria-hidden="true">
      <div>
        <p>Drop a model to use it: its folder, or its .safetensors file</p>
        <p>Drop LoRA or embeddings to add them to the model in use</p>
        <p>Drop a picture or a recipe to take its settings, or to begin from it</p>
      </div>
    </div>
  );
}

/** What is pasted is as what is dropped; where text comes with it, as from an office program, a field takes that. */
function useFilePaste(): void {
  useEffect(() => {
    const pasted = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      const hasText = event.clipboardData?.types.includes('text/plain') === true;
      const isForField = hasText && event.target instanceof HTMLTextAreaElement;
      if (event.defaultPrevented || files.length === 0 || isForField || useStore.getState().openDialogs > 0) return;
      event.preventDefault();
      void openDropped(files);
    };
    window.addEventListener('paste', pasted);
    return () => window.removeEventListener('paste', pasted);
  }, []);
}

/** Whether files are being dragged over the page. */
function useFileDrop(): boolean {
  const [dragging, setDragging] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDragging(true);
    };
    const leave = (event: DragEvent) => {
      // From one element to another of the page is not out of it.
      if (event.relatedTarget === null) setDragging(false);
    };
    const dropped = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      // What was dropped can be asked for here alone, and read later.
      const items = [...(event.dataTransfer?.items ?? [])].filter(({ kind }) => kind === 'file');
      void openDropped(items.flatMap((item) => item.webkitGetAsEntry() ?? item.getAsFile() ?? []));
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    // What another part of the page takes does not come up to here.
    const ended = () => setDragging(false);
    window.addEventListener('drop', ended, { capture: true });
    window.addEventListener('drop', dropped);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', ended, { capture: true });
      window.removeEventListener('drop', dropped);
    };
  }, []);
  return dragging;
}
