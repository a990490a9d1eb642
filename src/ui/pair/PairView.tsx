// The pair: side by side, under a wipe, or as a difference. Without PAG on the left, with PAG on the right.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { Pixels, Size } from '../../protocol/pictureData';
import { pictureSize } from '../../settings/pictureSize';
import { useStore, type View } from '../../store/store';
import { difference } from './difference';
import styles from './PairView.module.css';
import { ImageStrip } from './ImageStrip';
import { pairLayout } from './pairLayout';
import { Picture } from './Picture';
import { RecipeDialog } from '../recipe/RecipeDialog';
import { SeriesView } from '../series/SeriesView';
import { ShareDialog } from '../share/ShareDialog';
import { Segmented } from '../Segmented';
import { Wipe } from './Wipe';

const VIEWS: readonly { readonly value: View; readonly name: string }[] = [
  { value: 'side', name: 'Side by side' },
  { value: 'wipe', name: 'Wipe' },
  { value: 'difference', name: 'Difference' },
  { value: 'series', name: 'Series' },
];

export function PairView({ flipped }: { flipped: boolean }) {
  const shown = useStore((store) => store.job.shown);
  const running = useStore((store) => store.job.runs[0]?.settings);
  const isLive = useStore((store) => store.job.live);
  const compare = useStore((store) => store.settings.compare);
  const chosen = useStore((store) => store.view);
  const setView = useStore((store) => store.setView);
  const comparing = shown ? shown.settings.compare : (running?.compare ?? compare);
  const pair = shown?.pair ?? null;
  const size = shown?.size ?? null;
  const complete = pair?.withoutPag && size ? { without: pair.withoutPag, withPag: pair.withPag, size } : null;
  const view = complete || chosen === 'series' ? chosen : 'side';
  const withPag: CaptionedPicture = { name: 'With PAG', pixels: pair?.withPag ?? null };
  const both = [{ name: 'Without PAG', pixels: pair?.withoutPag ?? null }, withPag];
  const places = !comparing ? [withPag] : flipped && complete ? both.reverse() : both;
  const frame = useRef<HTMLDivElement>(null);
  const { room, viewport } = useRoom(frame, shown?.images !== undefined);
  const coming = useComing();
  const { stacked, ...box } = pairLayout(room, size ?? coming, comparing && view === 'side' ? 2 : 1);
  const sticks = isPhone(viewport) && !stacked && box.height <= MOST_STUCK * viewport.height;
  useRoomAtTop(frame, sticks && view !== 'series', box.height);
  const isExample = !shown && !running;
  // On a phone the controls are below: what was asked for should be seen. A hand that moves a slider stays there.
  const isAsked = running !== undefined && !isLive;
  useEffect(() => {
    if (isAsked) frame.current?.scrollIntoView({ block: 'nearest' });
  }, [isAsked]);

  return (
    <section className={styles.pair} aria-label="Images">
      <div className={styles.bar}>
        <Segmented
          label="View"
          value={view}
          choices={VIEWS.map((choice) => ({
            ...choice,
            disabled: !complete && choice.value !== 'side' && choice.value !== 'series',
          }))}
          onChange={setView}
        />
        <span className={styles.dialogs}>
          <RecipeDialog />
          <ShareDialog />
        </span>
      </div>
      {view === 'series' && <SeriesView />}
      <div className={styles.frame} data-stacked={stacked} data-sticks={sticks} hidden={view === 'series'} ref={frame}>
        {view === 'wipe' && complete ? (
          <Wipe {...complete} box={box} flipped={flipped} />
        ) : view === 'difference' && complete ? (
          <Difference {...complete} box={box} />
        ) : (
          <>
            {places.map((captioned) => (
              <Captioned key={captioned.name} {...captioned} size={size} box={box} isExample={isExample} />
            ))}
          </>
        )}
      </div>
      <ImageStrip />
    </section>
  );
}

/** A picture and its caption are one thing, whatever place they stand in. */
interface CaptionedPicture {
  readonly name: string;
  readonly pixels: Pixels | null;
}

interface Fitted {
  readonly size: Size | null;
  readonly box: Size;
  /** Until there is a picture of its own. */
  readonly isExample?: boolean;
}

function Captioned({ name, pixels, isExample = false, ...fitted }: CaptionedPicture & Fitted) {
  return (
    <figure className={styles.figure} data-example={isExample}>
      <Picture name={name} pixels={pixels} isExample={isExample} {...fitted} />
      <figcaption aria-hidden="true">{name}</figcaption>
    </figure>
  );
}

function Difference({ without, withPag, ...fitted }: { without: Pixels; withPag: Pixels } & Fitted) {
  const pixels = useMemo(() => difference(without, withPag), [without, withPag]);
  return <Captioned name="Difference" pixels={pixels} {...fitted} />;
}

/** Height that pictures may have in a window of `height`: with all that stands above and below them in view; in a low
 *  one with the buttons in view; on a phone held sideways, where the page scrolls, all but the bar at its foot. */
function roomAbove(height: number): number {
  return Math.max(height - 330, Math.min(height - (height <= 520 ? 96 : 230), 320));
}

/** A row of small images and the gap above it, in CSS pixels. */
const STRIP = 82;
/** Of a phone's window, what pictures that stay at its top may take. */
const MOST_STUCK = 0.4;

/** As in App.module.css. */
const PHONE = 860;
/** Upright: held sideways, there is no room for pictures that stay. */
function isPhone({ width, height }: Size): boolean {
  return width <= PHONE && height > 520;
}

/** What the pictures may have in the frame, within the window's height. */
function useRoom(
  frame: React.RefObject<HTMLDivElement | null>,
  hasStrip: boolean,
): { readonly room: Size; readonly viewport: Size } {
  const [size, setSize] = useState({ width: 640, height: 640, window: 1280 });
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () => {
      // Where it sticks it has a padding, which pictures are not to lie in.
      const { paddingLeft, paddingRight } = getComputedStyle(element);
      const width = element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      setSize({ width, height: window.innerHeight, window: window.innerWidth });
    };
    // The observer's first call comes too late for the first frame.
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    window.addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      window.removeEventListener('resize', measure);
    };
  }, [frame]);
  const { width, height } = size;
  const viewport = { width: size.window, height };
  // There the controls are below, the page scrolls, and the buttons lie at its foot.
  const most =
    viewport.width <= PHONE ? Math.max(height - 230, roomAbove(height)) : roomAbove(height) - (hasStrip ? STRIP : 0);
  return { room: { width, height: most }, viewport };
}

/** What gets the focus is not to lie under pictures that stay at the top. */
function useRoomAtTop(frame: React.RefObject<HTMLDivElement | null>, sticks: boolean, height: number): void {
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    if (sticks) style.setProperty('--stuck', `${frame.current?.offsetHeight ?? 0}px`);
    return () => {
      style.removeProperty('--stuck');
    };
  }, [frame, sticks, height]);
}

/** The shape of the first pictures, which their empty places have; a square before the model has told. */
function useComing(): Size {
  const width = useStore((store) => store.settings.width);
  const height = useStore((store) => store.settings.height);
  const sizes = useStore((store) => store.job.model?.sizes);
  return sizes ? pictureSize({ width, height }, sizes) : { width: 128, height: 128 };
}
