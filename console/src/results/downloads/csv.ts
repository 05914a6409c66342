import type { Cell } from "./tables";

/**
 * Characters that a spreadsheet would take for the beginning of a formula, or drop; and the apostrophe itself, so that
 * removing one leading apostrophe always restores the cell.
 */
const RISKY = /^['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const QUOTED = /[",\r\n]/;

/** A cell in the form of RFC 4180. Text that a spreadsheet would take for a formula gets a leading apostrophe. */
export function csvCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
  const harmless = RISKY.test(cell) ? `'${cell}` : cell;
  return QUOTED.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** A row, with its line break. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** The original text of a cell of such a CSV. */
export function csvOriginal(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}
