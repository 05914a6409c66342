/** Save a blob as a file, through the browser. */
export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has read the blob by then; some browsers lose large files after a shorter wait.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
