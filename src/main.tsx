// Boot: the page, the engine's warm-up, the service worker.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useStore } from './store/store';
import { App } from './ui/App';
import './ui/tokens.css';

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
useStore.getState().start();
