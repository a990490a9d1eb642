// How much of the picture a mask has made anew, in words.

/** @param share 0 … 1 */
export function maskText(share: number): string {
  if (share === 0) return 'Nothing is masked, so all of the picture is made anew. Paint over what is to change.';
  if (share === 1) return 'All of the picture is masked: it is made anew.';
  return `${percent(share)} of the picture is masked: that is made anew.`;
}

function percent(share: number): string {
  if (share < 0.01) return 'Less than 1 %';
  return `${Math.min(99, Math.round(100 * share))} %`;
}
