// Gives a file to the visitor, through the browser's download.

export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own hold on the data after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
