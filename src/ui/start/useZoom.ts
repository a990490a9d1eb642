// How close a picture is looked at: 1 is all of it in its frame, more is scrolled. By buttons, and by the wheel with
// Ctrl, as which a trackpad's pinch comes; what is in the middle stays there.

import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Size } from '../../protocol/pictureData';

export const CLOSEST = 8;

export function useZoom() {
  const frame = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(1);
  const [room, setRoom] = useState<Size>({ width: 0, height: 0 });
  /** In parts of what is scrolled. */
  const middle = useRef({ x: 0.5, y: 0.5 });
  const zoomBy = (factor: number) => {
    const element = frame.current;
    if (!element) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight, scrollWidth, scrollHeight } = element;
    middle.current = {
      x: (scrollLeft + clientWidth / 2) / scrollWidth,
      y: (scrollTop + clientHeight / 2) / scrollHeight,
    };
    setZoom((before) => Math.min(CLOSEST, Math.max(1, before * factor)));
  };
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const { x, y } = middle.current;
    element.scrollTo(
      x * element.scrollWidth - element.clientWidth / 2,
      y * element.scrollHeight - element.clientHeight / 2,
    );
  }, [zoom]);
  const latest = useRef(zoomBy);
  useEffect(() => {
    latest.current = zoomBy;
  });
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () => setRoom({ width: element.offsetWidth, height: element.offsetHeight });
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      latest.current(event.deltaY < 0 ? 2 : 0.5);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    // React's own listeners are passive: they cannot keep the page from zooming.
    element.addEventListener('wheel', wheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener('wheel', wheel);
    };
  }, []);
  return { frame, room, zoom, zoomBy };
}
