// One picture on a canvas. Small pixel images are shown at whole multiples without smoothing, large ones fitted. One
// that has fewer pixels than what it stands for is a preview, and smoothed.

import { useLayoutEffect, useRef, type CSSProperties } from 'react';
import type { Pixels, Size } from '../../protocol/messages';
import styles from './PairView.module.css';

interface Props {
  readonly name: string;
  readonly pixels: Pixels | null;
  /** Of what it stands for. */
  readonly size: Size | null;
  /** Edge length in CSS pixels. */
  readonly edge: number;
  readonly style?: CSSProperties;
}

const SMALL = 256;

export function Picture({ name, pixels, size, edge, style }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element || !pixels) return;
    element.width = pixels.width;
    element.height = pixels.height;
    element.getContext('2d')?.putImageData(new ImageData(pixels.rgba, pixels.width, pixels.height), 0, 0);
  }, [pixels]);
  const pixelated = size !== null && Math.max(size.width, size.height) <= SMALL && pixels?.width === size.width;
  const ratio = size ? size.width / size.height : 1;
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
export function fittedEdge(room: number, size: Size | null): number {
  const longest = size ? Math.max(size.width, size.height) : 64;
  if (longest > SMALL || room < longest) return Math.floor(room);
  return Math.floor(room / longest) * longest;
}
