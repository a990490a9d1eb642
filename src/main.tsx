// Boot: the page, the engine's warm-up, the service worker.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { registerServiceWorker } from './pwa/register';
import { listenForErrors } from './store/pageErrors';
import { useStore } from './store/store';
import { App } from './ui/App';
import './ui/tokens.css';

listenForErrors();
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

const { start, offerUpdate, noteOfflineReady } = useStore.getState();
start();
void registerServiceWorker({
  onUpdateReady: offerUpdate,
  onOfflineReady: noteOfflineReady,
  isIdle: () => {
    const { job } = useStore.getState();
    return job.runs.length === 0 && job.shown === null && document.querySelector('dialog[open]') === null;
  },
}).catch((error: unknown) => {
  // Refused, as in some private windows: the page works, but not without a network.
  console.warn(error);
});
