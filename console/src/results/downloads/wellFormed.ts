/** The text with each half of a surrogate pair that stands alone replaced: it has no UTF-8. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, "\ufffd");
}
