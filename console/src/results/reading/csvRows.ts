export type Delimiter = "," | ";" | "\t";

/**
 * The rows of CSV text as RFC 4180 writes it; quotes may hold commas and line ends. A bare quote inside a cell stays.
 *
 * Files of some spreadsheets have another delimiter than the comma.
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
      // What stands between a closing quote and the comma belongs to nobody; it is kept rather than lost.
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
