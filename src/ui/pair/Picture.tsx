// One picture on a canvas. Small pixel images are shown at whole multiples without smoothing, large ones fitted. One
// that has fewer pixels than what it stands for is a preview, and smoothed.

import { useLayoutEffect, useRef, type CSSProperties } from 'react';
import type { Pixels, Size } from '../../protocol/pictureData';
import { SMALL } from './pairLayout';
import styles from './PairView.module.css';

interface Props {
  readonly name: string;
  readonly pixels: Pixels | null;
  /** Of what it stands for. */
  readonly size: Size | null;
  /** In CSS pixels. */
  readonly box: Size;
  /** An example stands in its empty place. */
  readonly isExample?: boolean;
  readonly style?: CSSProperties;
}

export function Picture({ name, pixels, size, box, isExample = false, style }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = size ?? { width: 1, height: 1 };
  useLayoutEffect(() => {
    if (canvas.current && pixels) draw(canvas.current, pixels, { width, height });
  }, [pixels, width, height]);
  const pixelated = pixels !== null && Math.max(width, height) <= SMALL && pixels.width === width;
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={name}
      width={1}
      height={1}
      data-empty={pixels === null}
      data-example={isExample ? name : undefined}
      className={`${styles.picture} ${pixelated ? styles.pixelated : ''}`}
      style={{ width: box.width, height: box.height, ...style }}
    />
  );
}

/** A preview is enlarged by the browser's best filter: stretched by CSS alone, each of its pixels shows as a star. */
function draw(canvas: HTMLCanvasElement, { width, height, rgba }: Pixels, size: Size): void {
  const source = new ImageData(rgba, width, height);
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext('2d');
  if (!context || width === size.width) {
    context?.putImageData(source, 0, 0);
    return;
  }
  const small = document.createElement('canvas');
  small.width = width;
  small.height = height;
  small.getContext('2d')?.putImageData(source, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.drawImage(small, 0, 0, size.width, size.height);
}
