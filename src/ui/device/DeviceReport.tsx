// A report of the device, to copy into a bug report. Nothing of it is sent anywhere.

import { useState } from 'react';
import { useStore } from '../../store/store';
import { CopyField } from '../CopyField';
import { Dialog } from '../Dialog';
import { Region } from '../errors/ErrorBoundary';
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
  return (
    <section className={styles.section} aria-label="The report">
      <p className={styles.quiet}>
        Pagoda {__APP_VERSION__} makes pictures on your own device: prompts and pictures stay here. Something looks
        wrong, or slow? This report says what your device is and what it answered when it was tried. It is sent nowhere
        unless you copy it.
      </p>
      <CopyField
        label="Report"
        text={deviceReport({ device, shown, model }, surroundings())}
        rows={14}
        action="Copy report"
      />
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
