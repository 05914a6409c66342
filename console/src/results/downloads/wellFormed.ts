/** The text with each lone surrogate replaced, because it cannot be encoded in UTF-8. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, "\ufffd");
}
