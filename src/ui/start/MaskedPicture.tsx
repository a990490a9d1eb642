// The start image with its mask over it, at a size in CSS pixels; the mask is drawn anew when it has changed.

import { useLayoutEffect, useRef } from 'react';
import type { Size } from '../../protocol/pictureData';
import { useStartMask } from '../../store/startMask';
import { SMALL } from '../pair/pairLayout';
import { drawMask } from './maskTint';
import styles from './MaskedPicture.module.css';

interface Props {
  readonly name: string;
  readonly url: string;
  /** Of the picture. */
  readonly size: Size;
  readonly box: Size;
  /** Width of a stripe in CSS pixels. */
  readonly stripe: number;
  /** To draw a part of it at once. */
  readonly canvas?: React.RefObject<HTMLCanvasElement | null>;
}

/** Pixels of the canvas at most: the mask itself may have many more. */
const MOST = 4_000_000;

export function MaskedPicture({ name, url, size, box, stripe, canvas }: Props) {
  const own = useRef<HTMLCanvasElement>(null);
  const drawn = canvas ?? own;
  const pixels = useStartMask((store) => store.pixels);
  const version = useStartMask((store) => store.version);
  const scale = canvasScale(box);
  useLayoutEffect(() => {
    const element = drawn.current;
    if (!element) return;
    // Also empties it.
    element.width = Math.max(1, Math.round(box.width * scale));
    element.height = Math.max(1, Math.round(box.height * scale));
    if (pixels) drawMask(element, pixels, stripe * scale);
  }, [drawn, pixels, version, box.width, box.height, scale, stripe]);
  const pixelated = Math.max(size.width, size.height) <= SMALL && box.width >= size.width;
  return (
    <>
      <img
        src={url}
        alt={name}
        draggable={false}
        className={pixelated ? `${styles.picture} ${styles.pixelated}` : styles.picture}
        style={box}
      />
      <canvas ref={drawn} aria-hidden="true" className={styles.mask} style={box} />
    </>
  );
}

/** Pixels of the canvas in one CSS pixel. */
export function canvasScale({ width, height }: Size): number {
  return Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST / Math.max(1, width * height)));
}
