// The start image large, to paint its mask on: brush and eraser of any size, undo, all inverted or cleared, and closer
// looks; a mask's file may be dropped on it. It keeps nothing of its own: what is painted is the mask, whenever this is
// closed.

import { useEffect, useState } from 'react';
import { useStartImage, type ChosenStart } from '../../store/startImage';
import { useStartMask } from '../../store/startMask';
import { Dialog } from '../Dialog';
import { Segmented } from '../Segmented';
import { BrushSize } from './BrushSize';
import { MaskSheet, type MaskTool } from './MaskSheet';
import { maskText } from './maskWords';
import styles from './MaskEditor.module.css';
import { CLOSEST, useZoom } from './useZoom';

interface Props {
  readonly open: boolean;
  readonly onClose: () => void;
}

export function MaskEditor({ open, onClose }: Props) {
  const chosen = useStartImage((store) => store.chosen);
  const close = () => {
    void useStartMask.getState().sealed();
    onClose();
  };
  return (
    <Dialog title="Mask" fills open={open && chosen !== null} onClose={close}>
      {open && chosen && <Opened chosen={chosen} />}
    </Dialog>
  );
}

const TOOLS = [
  { value: 'paint', name: 'Brush' },
  { value: 'erase', name: 'Eraser' },
  { value: 'move', name: 'Move' },
] as const;

function Opened({ chosen: { name, url, image } }: { readonly chosen: ChosenStart }) {
  const [tool, setTool] = useState<MaskTool>('paint');
  const pixels = useStartMask((store) => store.pixels);
  const share = useStartMask((store) => store.share);
  const said = useStartMask((store) => store.said);
  useStartMask((store) => store.version);
  const { invert, clear, undo, redo } = useStartMask.getState();
  const { frame, room, zoom, zoomBy } = useZoom();
  const fit = Math.min(room.width / image.width, room.height / image.height);
  const box = { width: Math.max(1, image.width * fit * zoom), height: Math.max(1, image.height * fit * zoom) };
  const isZoomed = zoom > 1;
  useKeys(setTool);
  return (
    <div
      className={styles.editor}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        const [file] = event.dataTransfer.files;
        if (!file?.type.startsWith('image/')) return;
        event.preventDefault();
        event.stopPropagation();
        void useStartMask.getState().choose(file);
      }}
    >
      <div ref={frame} className={styles.frame} data-zoomed={isZoomed}>
        {room.width > 0 && (
          <MaskSheet name={name} url={url} size={image} box={box} tool={isZoomed || tool !== 'move' ? tool : 'paint'} />
        )}
      </div>
      <div className={styles.tools}>
        <div className={styles.row}>
          <Segmented
            label="Tool"
            value={isZoomed || tool !== 'move' ? tool : 'paint'}
            choices={TOOLS.map((one) => ({ ...one, disabled: one.value === 'move' && !isZoomed }))}
            onChange={setTool}
          />
          <BrushSize longest={Math.max(image.width, image.height)} />
          <span className={styles.zoom} role="group" aria-label="Zoom">
            <button type="button" aria-label="Zoom out" disabled={!isZoomed} onClick={() => zoomBy(0.5)}>
              −
            </button>
            <span aria-live="polite">{zoom}×</span>
            <button type="button" aria-label="Zoom in" disabled={zoom >= CLOSEST} onClick={() => zoomBy(2)}>
              +
            </button>
          </span>
        </div>
        <div className={styles.row}>
          <button type="button" disabled={!pixels?.canUndo} onClick={undo}>
            Undo
          </button>
          <button type="button" disabled={!pixels?.canRedo} onClick={redo}>
            Redo
          </button>
          <button type="button" onClick={invert}>
            Invert
          </button>
          <button type="button" disabled={share === 0} onClick={clear}>
            Clear
          </button>
        </div>
        <p className={styles.said} aria-live="polite">
          {[maskText(share), ...said].join(' ')}
        </p>
        <p className={styles.keys}>[ and ] change the brush, B paints, E erases, Ctrl or ⌘ + Z undoes.</p>
      </div>
    </div>
  );
}

/** [ ] B E, and undo as everywhere. */
function useKeys(setTool: (tool: MaskTool) => void): void {
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      const { brush, setBrush, undo, redo } = useStartMask.getState();
      const key = event.key.toLowerCase();
      const isCommand = event.ctrlKey || event.metaKey;
      if (isCommand && key === 'z') (event.shiftKey ? redo : undo)();
      else if (isCommand && key === 'y') redo();
      else if (key === '[') setBrush(brush / 1.25);
      else if (key === ']') setBrush(brush * 1.25);
      else if (!isCommand && key === 'b') setTool('paint');
      else if (!isCommand && key === 'e') setTool('erase');
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, [setTool]);
}
