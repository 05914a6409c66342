import { type Delimiter, parseCsv } from "../results/reading/csvRows";

export interface CsvPreview {
  readonly delimiter: Delimiter;
  readonly rows: readonly (readonly string[])[];
  /** The most cells of any row. */
  readonly columns: number;
}

const DELIMITERS: readonly Delimiter[] = [",", ";", "\t"];
const LOOKED_AT = 50;

/** The first rows of a CSV file, split by the delimiter that gives most rows the same number of cells. */
export function previewCsv(text: string, whole: boolean, most = 5): CsvPreview {
  const candidates = DELIMITERS.map((delimiter) => {
    const all = parseCsv(text.replace(/^\ufeff/, ""), delimiter);
    // A part ends in the middle of a row.
    const rows = (whole || all.length < 2 ? all : all.slice(0, -1)).slice(0, LOOKED_AT);
    return { delimiter, rows, alike: alike(rows) };
  });
  const best = candidates.reduce((one, other) => (other.alike > one.alike ? other : one));
  const rows = best.rows.slice(0, most);
  return { delimiter: best.delimiter, rows, columns: Math.max(0, ...rows.map((row) => row.length)) };
}

/** How many rows have the most frequent number of cells; 0 if that number is one. Rows that are cut in a text do not count. */
function alike(rows: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>();
  for (const row of rows)
    if (row.length > 1 && !row.some(isCut)) counts.set(row.length, (counts.get(row.length) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** Whether a cell seems to be cut out of a quoted text: it has only one of two quotation marks. */
function isCut(cell: string): boolean {
  return (cell.split('"').length - 1) % 2 === 1;
}

/** What is wrong with a training file, as a sentence; undefined if it is valid. */
export function csvProblem({ delimiter, columns }: CsvPreview): string | undefined {
  if (delimiter === ";") {
    return "This file separates its columns with semicolons, as spreadsheets do in some languages. Trainings expect commas: save it as “CSV UTF-8” with commas, or replace the semicolons.";
  }
  if (delimiter === "\t") return "This file separates its columns with tabs. Trainings expect commas: save it as CSV.";
  return columns < 2
    ? "This file has only one column. Each row needs a label and a text, separated by a comma."
    : undefined;
}
