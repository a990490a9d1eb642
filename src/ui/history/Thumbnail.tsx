// The small picture of an entry, read when it is drawn.

import { useEffect, useRef, useState } from 'react';
import { useHistory, type HistoryEntry } from '../../store/history';

export function Thumbnail({ entry }: { readonly entry: HistoryEntry }) {
  const [url, setUrl] = useState<string | null>(null);
  const latest = useRef(entry);
  useEffect(() => {
    let made: string | null = null;
    let isGone = false;
    void useHistory
      .getState()
      .thumbnail(latest.current)
      .then((blob) => {
        if (!blob || isGone) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      });
    return () => {
      isGone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, []);
  return url ? <img src={url} alt="" draggable={false} /> : null;
}
