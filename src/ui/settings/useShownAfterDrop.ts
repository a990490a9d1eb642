// A group of the form that opens where files of its kind were dropped anywhere on the page.

import { useEffect, useRef } from 'react';

/** @param drops how often they were. */
export function useShownAfterDrop(drops: number) {
  const group = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (drops === 0 || !group.current) return;
    group.current.open = true;
    group.current.scrollIntoView({ block: 'nearest' });
  }, [drops]);
  return group;
}
