import type { Cell } from "./tables";

/**
 * What a spreadsheet would take for the beginning of a formula, or drop; and the apostrophe itself, so that taking one
 * leading apostrophe away always gives the cell back.
 */
const RISKY = /^['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const QUOTED = /[",\r\n]/;

/** One cell as RFC 4180 writes it. Text that a spreadsheet would run as a formula gets a leading apostrophe. */
export function csvCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
  const harmless = RISKY.test(cell) ? `'${cell}` : cell;
  return QUOTED.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** One row, with its line end. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** The text of a cell that was read from such a CSV: the way back. */
export function csvOriginal(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}
