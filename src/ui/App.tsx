// The one screen: controls at one side, the pair large in the middle, the device and progress at the foot.

import { useStore } from '../store/store';
import { Announcer } from './Announcer';
import styles from './App.module.css';
import { Controls } from './settings/Controls';
import { ErrorAlert } from './errors/ErrorAlert';
import { ErrorBoundary, Region } from './errors/ErrorBoundary';
import { Explain } from './settings/Explain';
import { FileDrop } from './FileDrop';
import { HistoryBar } from './history/HistoryBar';
import { Keys } from './Keys';
import { PageErrorAlert } from './errors/PageErrorAlert';
import { PageFailure } from './errors/PageFailure';
import { PairView } from './pair/PairView';
import { RecipeNotice } from './recipe/RecipeNotice';
import { RecipeOpen } from './recipe/RecipeOpen';
import { RunBar } from './run/RunBar';
import { StatusLine } from './run/StatusLine';
import { ChangeOnTheWay } from './timeline/ChangeOnTheWay';
import { Timeline } from './timeline/Timeline';
import { useFocusKept } from './useFocusKept';
import { useKeyboard } from './useKeyboard';

export function App() {
  return (
    <ErrorBoundary until={[]} fallback={(error, again) => <PageFailure error={error} again={again} />}>
      <Page />
    </ErrorBoundary>
  );
}

function Page() {
  useFocusKept();
  const { flipped, keysOpen, closeKeys } = useKeyboard();
  const update = useStore((store) => store.update);
  const running = useStore((store) => store.job.runs.length > 0);
  return (
    <div className={styles.app}>
      <header className={styles.header}>
        <h1>Pagoda</h1>
        <p>Perturbed-Attention Guidance, on your own device</p>
        <RecipeOpen />
        {update && !running && (
          <button type="button" onClick={update}>
            Update Pagoda
          </button>
        )}
      </header>
      <main className={styles.stage}>
        <ErrorAlert />
        <PageErrorAlert />
        <Region name="What came of the opened file">
          <RecipeNotice />
        </Region>
        <Region name="The pictures">
          <PairView flipped={flipped} />
        </Region>
        <Region name="What changes on the way">
          <ChangeOnTheWay />
        </Region>
        <RunBar />
        <Region name="The timeline">
          <Timeline />
        </Region>
        <Region name="What PAG is doing">
          <Explain />
        </Region>
      </main>
      <Controls />
      <Region name="The history">
        <HistoryBar />
      </Region>
      <StatusLine />
      <Announcer />
      <FileDrop />
      {keysOpen && <Keys onClose={closeKeys} />}
    </div>
  );
}
