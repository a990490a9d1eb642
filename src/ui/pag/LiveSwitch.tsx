// The switch of live mode, with what it does now, or why a setting that moves waits for the button.

import { useId } from 'react';
import { LIVE_AT_MOST, LIVE_SECONDS, type Live } from '../../store/live';
import { useLive, useStore } from '../../store/store';
import controls from '../settings/Controls.module.css';
import { secondsText } from '../words';

export function LiveSwitch() {
  const id = useId();
  const live = useLive();
  const { setLive } = useStore.getState();
  return (
    <>
      <label className={controls.check}>
        <input
          type="checkbox"
          role="switch"
          aria-describedby={id}
          checked={live.on}
          onChange={(event) => setLive(event.target.checked)}
        />
        <span>Live</span>
      </label>
      <p id={id} className={controls.hint}>
        {liveText(live)}
      </p>
    </>
  );
}

export function liveText({ on, waits, seconds }: Live): string {
  const takes = seconds === null ? '' : secondsText(seconds);
  switch (waits) {
    case null:
      return `The picture with PAG follows what you change, in about ${takes}.`;
    case 'off':
      return 'Off: what you change waits for Generate.';
    case 'several':
      return 'Waits for Generate: one image alone follows by itself.';
    case 'unknown':
      return 'Waits for Generate: how long a pair takes here is known when one is done.';
    case 'impossible':
      return 'Waits: these settings make no picture.';
    case 'slow': {
      const waits = `Waits for Generate: the picture with PAG takes about ${takes} here.`;
      return on
        ? `${waits} Beyond ${LIVE_AT_MOST} s none starts by itself.`
        : `${waits} Under ${LIVE_SECONDS} s it follows by itself.`;
    }
    case 'failed':
      return 'Waits for Generate: the last run failed.';
  }
}
