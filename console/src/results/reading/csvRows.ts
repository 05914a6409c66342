export type Delimiter = "," | ";" | "\t";

/**
 * The rows of CSV text in the form of RFC 4180; quoted cells may contain commas and line breaks. A bare quote stays.
 *
 * Some spreadsheets use another delimiter than the comma.
 */
export function parseCsv(text: string, delimiter: Delimiter = ","): string[][] {
  const plain = new RegExp(`[${delimiter}\\r\\n]`);
  const behindQuote = new RegExp(`^[^${delimiter}\\r\\n]*`);
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell: string;
    if (text[at] === '"') {
      let end = at + 1;
      while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) end += text[end] === '"' ? 2 : 1;
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
      // Text between a closing quote and the comma is malformed, but is kept rather than lost.
      const rest = behindQuote.exec(text.slice(at, at + 4096))?.[0] ?? "";
      cell += rest;
      at += rest.length;
    } else {
      const end = text.slice(at).search(plain);
      cell = end < 0 ? text.slice(at) : text.slice(at, at + end);
      at += cell.length;
    }
    row.push(cell);
    if (text[at] === delimiter) {
      at += 1;
      if (at === text.length) row.push("");
      continue;
    }
    if (text.startsWith("\r\n", at)) at += 2;
    else at += 1;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}
