/** Hand a blob to the browser as a file to keep. */
export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken the blob up by then; a shorter wait loses large files in some.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
