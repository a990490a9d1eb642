// Puts the text of a field on the clipboard. Over plain http there is no `navigator.clipboard`, and where there is one
// it may be forbidden; copying what is selected is older, and is allowed in a click.

/** Resolves to whether it was copied; where it was not, the text is selected for the visitor. */
export async function copyText(field: HTMLTextAreaElement): Promise<boolean> {
  if ('clipboard' in navigator) {
    try {
      await navigator.clipboard.writeText(field.value);
      return true;
    } catch {
      // the other way may be open
    }
  }
  const focused = document.activeElement;
  field.select();
  const copied = copySelection();
  if (copied && focused instanceof HTMLElement) focused.focus();
  return copied;
}

function copySelection(): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way outside of secure contexts
  return document.execCommand('copy');
}
