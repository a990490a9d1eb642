// One picture on a canvas. Small pixel images are shown at whole multiples without smoothing, large ones fitted.

import { useLayoutEffect, useRef, type CSSProperties } from 'react';
import type { Pixels } from '../../protocol/messages';
import styles from './PairView.module.css';

interface Props {
  readonly name: string;
  readonly pixels: Pixels | null;
  /** Edge length in CSS pixels. */
  readonly edge: number;
  readonly style?: CSSProperties;
}

const SMALL = 256;

export function Picture({ name, pixels, edge, style }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element || !pixels) return;
    element.width = pixels.width;
    element.height = pixels.height;
    element.getContext('2d')?.putImageData(new ImageData(pixels.rgba, pixels.width, pixels.height), 0, 0);
  }, [pixels]);
  const pixelated = pixels !== null && Math.max(pixels.width, pixels.height) <= SMALL;
  const ratio = pixels ? pixels.width / pixels.height : 1;
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={name}
      width={1}
      height={1}
      data-empty={pixels === null}
      className={`${styles.picture} ${pixelated ? styles.pixelated : ''}`}
      style={{ width: edge * Math.min(1, ratio), height: edge / Math.max(1, ratio), ...style }}
    />
  );
}

/** The largest edge up to `room` at which small pictures keep whole pixels. */
export function fittedEdge(room: number, pixels: Pixels | null): number {
  const size = pixels ? Math.max(pixels.width, pixels.height) : 64;
  if (size > SMALL || room < size) return Math.floor(room);
  return Math.floor(room / size) * size;
}
