// What is painted on: the picture as large as fits, or larger, and the brush's outline. Mouse, touch and pen are one
// thing, pointers; one at a time paints, so that a palm beside it does not, and a pen takes over from a palm that came
// first. A stroke that the system takes away (a gesture, a palm after all) is as if it had not been.

import { useEffect, useLayoutEffect, useRef, type PointerEvent } from 'react';
import type { Size } from '../../protocol/pictureData';
import { useStartMask } from '../../store/startMask';
import { MaskedPicture, canvasScale } from './MaskedPicture';
import { drawMask, type Part } from './maskTint';
import styles from './MaskEditor.module.css';

export type MaskTool = 'paint' | 'erase' | 'move';

interface Props {
  readonly name: string;
  readonly url: string;
  readonly size: Size;
  /** In CSS pixels. */
  readonly box: Size;
  readonly tool: MaskTool;
}

interface Stroke {
  readonly pointer: number;
  readonly kind: string;
  readonly erases: boolean;
  last: { readonly x: number; readonly y: number };
}

/** CSS pixels. */
const STRIPE = 5;
/** The eraser's end of a pen, among `buttons`. */
const PEN_ERASER = 32;

export function MaskSheet({ name, url, size, box, tool }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  const stroke = useRef<Stroke | null>(null);
  const brush = useStartMask((store) => store.brush);
  const across = (brush * box.width) / size.width;
  const drawSoon = useDrawing(canvas, box);
  useEffect(
    () => () => {
      if (stroke.current) useStartMask.getState().endStroke();
    },
    [],
  );
  const placeOf = (event: { readonly clientX: number; readonly clientY: number }, sheet: Element) => {
    const { left, top } = sheet.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    return { x: (x * size.width) / box.width, y: (y * size.height) / box.height };
  };
  const paint = (event: { readonly clientX: number; readonly clientY: number }, sheet: Element) => {
    const own = stroke.current;
    if (!own) return;
    const to = placeOf(event, sheet);
    const part = useStartMask.getState().stroke(own.last, to, own.erases);
    own.last = to;
    if (part) drawSoon(part);
  };
  const outline = (event: PointerEvent) => {
    if (!ring.current) return;
    const { left, top } = event.currentTarget.getBoundingClientRect();
    ring.current.style.left = `${event.clientX - left}px`;
    ring.current.style.top = `${event.clientY - top}px`;
    ring.current.hidden = tool === 'move';
  };
  const down = (event: PointerEvent) => {
    const isEraser = (event.buttons & PEN_ERASER) !== 0;
    if (tool === 'move' || (event.button !== 0 && !isEraser)) return;
    const before = stroke.current;
    if (before && !(before.kind === 'touch' && event.pointerType === 'pen')) return;
    const store = useStartMask.getState();
    if (before) store.dropStroke();
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    store.beginStroke();
    stroke.current = {
      pointer: event.pointerId,
      kind: event.pointerType,
      erases: tool === 'erase' || isEraser,
      last: placeOf(event, event.currentTarget),
    };
    outline(event);
    paint(event, event.currentTarget);
  };
  const move = (event: PointerEvent) => {
    if (stroke.current && stroke.current.pointer !== event.pointerId) return;
    outline(event);
    if (!stroke.current) return;
    // More places than are told one by one; over plain http they are not told.
    const { nativeEvent } = event as {
      readonly nativeEvent: Partial<Pick<globalThis.PointerEvent, 'getCoalescedEvents'>>;
    };
    const all = nativeEvent.getCoalescedEvents?.() ?? [];
    for (const one of all.length > 0 ? all : [event]) paint(one, event.currentTarget);
  };
  const end = (event: PointerEvent, isDropped: boolean) => {
    if (stroke.current?.pointer !== event.pointerId) return;
    stroke.current = null;
    const { endStroke, dropStroke } = useStartMask.getState();
    if (isDropped) dropStroke();
    else endStroke();
    if (event.pointerType === 'touch' && ring.current) ring.current.hidden = true;
  };
  return (
    <div
      className={styles.sheet}
      data-tool={tool}
      style={box}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={(event) => end(event, false)}
      onPointerCancel={(event) => end(event, true)}
      onPointerLeave={() => {
        if (ring.current && !stroke.current) ring.current.hidden = true;
      }}
      onContextMenu={(event) => event.preventDefault()}
    >
      <MaskedPicture name={name} url={url} size={size} box={box} stripe={STRIPE} canvas={canvas} />
      <div ref={ring} hidden className={styles.ring} style={{ width: across, height: across }} />
    </div>
  );
}

/** What was painted is drawn once a frame. */
function useDrawing(canvas: React.RefObject<HTMLCanvasElement | null>, box: Size): (part: Part) => void {
  const parts = useRef<Part[]>([]);
  const frame = useRef(0);
  const latest = useRef(box);
  useLayoutEffect(() => {
    latest.current = box;
  });
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  return (part) => {
    parts.current.push(part);
    if (parts.current.length > 1) return;
    frame.current = requestAnimationFrame(() => {
      const { pixels } = useStartMask.getState();
      const all = parts.current;
      parts.current = [];
      if (!canvas.current || !pixels) return;
      drawMask(canvas.current, pixels, STRIPE * canvasScale(latest.current), {
        left: Math.min(...all.map(({ left }) => left)),
        top: Math.min(...all.map(({ top }) => top)),
        right: Math.max(...all.map(({ right }) => right)),
        bottom: Math.max(...all.map(({ bottom }) => bottom)),
      });
    });
  };
}
