// Boot: the page, the engine's warm-up, the service worker.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { registerServiceWorker } from './pwa/register';
import { takeShared } from './pwa/shared';
import { openLaunched, openShared } from './store/dropped';
import { listenForErrors } from './store/pageErrors';
import { useRecipes } from './store/recipeSlice';
import { useStore } from './store/store';
import { App } from './ui/App';
import './ui/tokens.css';

listenForErrors();
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

const { openLink } = useRecipes.getState();
openLink();
window.addEventListener('hashchange', openLink);
openLaunched();
void takeShared().then(openShared);

const { start, offerUpdate, noteOffline } = useStore.getState();
start();
void registerServiceWorker({
  onUpdateReady: offerUpdate,
  onOfflineReady: () => noteOffline('kept'),
  onNotKept: noteOffline,
  isIdle: () => {
    const { job, openDialogs } = useStore.getState();
    return job.runs.length === 0 && job.shown === null && openDialogs === 0;
  },
});
