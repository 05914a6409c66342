const encoder = new TextEncoder();

/** The size of a text as the API counts it: bytes of UTF-8. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

/** The lines of a batch: every line that is not blank is a text. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== "");
}

/** A text for a table's cell: its first code points, with an ellipsis if there are more. */
export function excerpt(text: string, codePoints = 80): string {
  // A code point has at most two units, so this much is enough for a text of any length.
  const start = Array.from(text.slice(0, codePoints * 2 + 2));
  const cut = start.slice(0, codePoints).join("");
  return cut.length < text.length ? `${cut}…` : cut;
}
