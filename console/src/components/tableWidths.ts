/** The pixels of a letter in the table's font, more for a capital letter, and the padding of a cell. */
const LETTER = 8;
const CAPITAL = 10;
const AROUND = 44;
/** The arrow that sorts a column. */
const ARROW = 32;
const WIDEST = 360;
const LEAST = 72;
/** Longer words are addresses, digests and the like: they may break into pieces of this length. */
const LONGEST_WORD = 34;
const PIECE = 20;
const LONGEST_ID = 26;
const STEP = 24;
/** Larger numbers are times in milliseconds since 1970, which are shown as a date and a time. */
const MOMENT = 1e11;
const DAY_LETTERS = "2026-11-29".length;
const MOMENT_LETTERS = "2026-11-29 14:04:19".length;
const LOOKED_AT = 500;

interface Measured {
  readonly header: string;
  readonly values: Iterable<string | number | undefined>;
}

export interface ColumnWidth {
  readonly width: number;
  /** Wide enough that no word of the column is broken. */
  readonly minWidth: number;
}

/**
 * The width of a column, by all of its cells and not those of one page, so that columns stay where they are.
 *
 * Widths are multiples of a step, so that a slightly longer value moves nothing.
 */
export function widthOf({ header, values }: Measured): ColumnWidth {
  let word = longestWord(header) + AROUND + ARROW;
  let line = word;
  let seen = 0;
  for (const value of values) {
    if (seen === LOOKED_AT) break;
    seen += 1;
    if (value === undefined) continue;
    const isMoment = typeof value === "number" && value > MOMENT;
    // Fractions are shown rounded.
    const text = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(2) : String(value);
    word = Math.max(word, (isMoment ? DAY_LETTERS * LETTER : longestWord(text)) + AROUND);
    line = Math.max(line, (isMoment ? MOMENT_LETTERS * LETTER : lengthOf(text)) + AROUND);
  }
  const minWidth = stepped(Math.min(Math.max(word, LEAST), WIDEST));
  return { minWidth, width: stepped(Math.min(Math.max(line, minWidth), WIDEST)) };
}

/**
 * The widths of all columns in a table of this width: the wanted ones if they fit. Otherwise they are reduced until the
 * table fits, but not so far that a word would be broken; then the table scrolls.
 */
export function fitted(columns: readonly ColumnWidth[], room: number | undefined): number[] {
  const wanted = sum(columns.map(({ width }) => width));
  const least = sum(columns.map(({ minWidth }) => minWidth));
  if (room === undefined || wanted <= room || wanted === least) return columns.map(({ width }) => width);
  const share = Math.max(0, (room - least) / (wanted - least));
  return columns.map(({ width, minWidth }) => Math.floor(minWidth + (width - minWidth) * share));
}

/** The same, with the space that is left over given to one column. */
export function filled(columns: readonly ColumnWidth[], room: number | undefined, at: number): number[] {
  const widths = fitted(columns, room);
  const left = Math.max(0, (room ?? 0) - sum(widths));
  return widths.map((width, index) => (index === at ? width + left : width));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function stepped(width: number): number {
  return Math.ceil(width / STEP) * STEP;
}

/** The length of the longest piece of a text that stays on one line. Ids, which have a hyphen, are not broken. */
function longestWord(text: string): number {
  return text
    .slice(0, 2_000)
    .split(/\s+|(?<=\/)/)
    .flatMap((word) => (word.length > LONGEST_ID ? word.split(/(?<=-)/) : [word]))
    .reduce((longest, word) => Math.max(longest, word.length > LONGEST_WORD ? PIECE * LETTER : lengthOf(word)), 0);
}

function lengthOf(text: string): number {
  const capitals = text.length - text.replaceAll(/\p{Lu}/gu, "").length;
  return text.length * LETTER + capitals * (CAPITAL - LETTER);
}
