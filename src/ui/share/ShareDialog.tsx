// A finished pair to give to others: a link with its settings, the picture on the clipboard, the pair as one picture,
// the system's sheet where there is one.

import { useMemo, useState } from 'react';
import { NotDrawn, canCopyPicture, canShare, copyPicture, recipeLink, savePairPicture, share } from '../../store/share';
import type { Finished } from '../../store/share';
import { useStore } from '../../store/store';
import { CopyField } from '../CopyField';
import { Dialog } from '../Dialog';
import { Region } from '../errors/ErrorBoundary';
import styles from '../recipe/RecipeDialog.module.css';

export function ShareDialog() {
  const shown = useStore((store) => store.job.shown);
  const [shared, setShared] = useState<Finished | null>(null);
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        disabled={!shown?.recipe}
        onClick={() => setShared(shown?.recipe ? { ...shown, recipe: shown.recipe } : null)}
      >
        Share
      </button>
      <Dialog title="Share" open={shared !== null} onClose={() => setShared(null)}>
        {shared && (
          <Region name="What can be shared">
            <Share shown={shared} />
          </Region>
        )}
      </Dialog>
    </>
  );
}

const REFUSED = 'The browser did not allow it.';

function Share({ shown }: { readonly shown: Finished }) {
  const link = useMemo(() => recipeLink(shown.recipe), [shown.recipe]);
  const [said, setSaid] = useState('');
  const attempt =
    (act: () => Promise<unknown>, done = '') =>
    () => {
      setSaid('');
      act().then(
        (words) => setSaid(typeof words === 'string' ? words : done),
        (error: unknown) => {
          if (error instanceof DOMException && error.name === 'AbortError') return;
          setSaid(error instanceof NotDrawn ? error.message : REFUSED);
        },
      );
    };
  return (
    <>
      {link === null ? (
        <p className={styles.quiet}>
          These settings are too long for a link. The pictures below carry them too: Pagoda opens them with Open recipe.
        </p>
      ) : (
        <Link link={link} />
      )}
      <section className={styles.section} aria-label="Pictures">
        <h3>Pictures</h3>
        <div className={styles.actions}>
          <button type="button" onClick={attempt(() => savePairPicture(shown))}>
            {shown.pair.withoutPag ? 'Save pair as one PNG' : 'Save with caption'}
          </button>
          {canCopyPicture() && (
            <button type="button" onClick={attempt(() => copyPicture(shown), 'Copied.')}>
              Copy picture
            </button>
          )}
          {canShare() && (
            <button type="button" onClick={attempt(() => share(shown, link))}>
              Share by an app…
            </button>
          )}
          <span role="status" className={styles.quiet}>
            {said}
          </span>
        </div>
        <p className={styles.quiet}>
          The files carry their settings; what the clipboard keeps of them is up to the system.
        </p>
      </section>
    </>
  );
}

function Link({ link }: { readonly link: string }) {
  return (
    <section className={styles.section} aria-label="Link">
      <h3>Link</h3>
      <CopyField label="Link" text={link} rows={3} action="Copy link" />
      <p className={styles.quiet}>
        It opens Pagoda with these settings. They are in the link itself, behind the #: no server is sent them. The
        model and the picture are not in it.
      </p>
    </section>
  );
}
