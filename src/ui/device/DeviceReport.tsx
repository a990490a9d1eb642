// A report of the device, to copy into a bug report. Nothing of it is sent anywhere.

import { useRef, useState } from 'react';
import { useStore } from '../../store/store';
import { Dialog } from '../Dialog';
import { Region } from '../errors/ErrorBoundary';
import { copyText } from '../recipe/copyText';
import styles from '../recipe/RecipeDialog.module.css';
import { deviceReport, type Surroundings } from './reportText';

/** Put in by the build. */
declare const __APP_VERSION__: string;
declare const __LIBRARY_VERSIONS__: Readonly<Record<string, string>>;

export function DeviceReport({ className }: { readonly className: string | undefined }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className={className} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        Device report
      </button>
      <Dialog title="Device report" open={open} onClose={() => setOpen(false)}>
        {open && (
          <Region name="The report">
            <Report />
          </Region>
        )}
      </Dialog>
    </>
  );
}

function Report() {
  const { device, shown, model } = useStore((store) => store.job);
  const field = useRef<HTMLTextAreaElement>(null);
  const [said, setSaid] = useState('');
  const copy = async () => {
    if (!field.current) return;
    const copied = await copyText(field.current);
    setSaid(copied ? 'Copied.' : 'The browser did not allow copying. The text is selected: copy it.');
  };
  return (
    <section className={styles.section} aria-label="The report">
      <p className={styles.quiet}>
        Pagoda {__APP_VERSION__} makes pictures on your own device: prompts and pictures stay here. Something looks
        wrong, or slow? This report says what your device is and what it answered when it was tried. It is sent nowhere
        unless you copy it.
      </p>
      <textarea
        ref={field}
        className={styles.text}
        readOnly
        rows={14}
        spellCheck={false}
        aria-label="Report"
        value={deviceReport({ device, shown, model }, surroundings())}
      />
      <div className={styles.actions}>
        <button type="button" className={styles.primary} onClick={() => void copy()}>
          Copy report
        </button>
        <span role="status" className={styles.quiet}>
          {said}
        </span>
      </div>
    </section>
  );
}

function surroundings(): Surroundings {
  return {
    appVersion: __APP_VERSION__,
    libraries: __LIBRARY_VERSIONS__,
    userAgent: navigator.userAgent,
    isolated: crossOriginIsolated,
    secure: isSecureContext,
    cores: navigator.hardwareConcurrency,
    memoryGiB: (navigator as { readonly deviceMemory?: number }).deviceMemory,
  };
}
