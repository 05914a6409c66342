/** Pixels of a letter of the table's font at most, and what a cell has around its text. */
const LETTER = 8;
const AROUND = 44;
/** The arrow by which a column is sorted. */
const ARROW = 32;
const WIDEST = 360;
const LEAST = 72;
/** A word that is longer is an address, a digest or the like: it may break, and so much of it stays together. */
const LONGEST_WORD = 34;
const PIECE = 20;
const LONGEST_ID = 26;
const STEP = 24;
/** Milliseconds since 1970, which are shown as a day and a time. */
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
  /** So wide that no word of the column is broken in two. */
  readonly minWidth: number;
}

/**
 * The width of a column, from what all of its cells have and not those of one page, so that columns stay where they are.
 *
 * Widths come in steps: a value that is a little longer moves nothing.
 */
export function widthOf({ header, values }: Measured): ColumnWidth {
  let word = longestWord(header) * LETTER + AROUND + ARROW;
  let line = word;
  let seen = 0;
  for (const value of values) {
    if (seen === LOOKED_AT) break;
    seen += 1;
    if (value === undefined) continue;
    const isMoment = typeof value === "number" && value > MOMENT;
    const text = String(value);
    word = Math.max(word, (isMoment ? DAY_LETTERS : longestWord(text)) * LETTER + AROUND);
    line = Math.max(line, (isMoment ? MOMENT_LETTERS : text.length) * LETTER + AROUND);
  }
  const minWidth = stepped(Math.min(Math.max(word, LEAST), WIDEST));
  return { minWidth, width: stepped(Math.min(Math.max(line, minWidth), WIDEST)) };
}

/**
 * The widths of all columns of a table that has this room: what they want if it is enough, else so much less that the
 * table fits, and never so little that a word would be broken. Then the table scrolls.
 */
export function fitted(columns: readonly ColumnWidth[], room: number | undefined): number[] {
  const wanted = sum(columns.map(({ width }) => width));
  const least = sum(columns.map(({ minWidth }) => minWidth));
  if (room === undefined || wanted <= room || wanted === least) return columns.map(({ width }) => width);
  const share = Math.max(0, (room - least) / (wanted - least));
  return columns.map(({ width, minWidth }) => Math.floor(minWidth + (width - minWidth) * share));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function stepped(width: number): number {
  return Math.ceil(width / STEP) * STEP;
}

/** Letters of the longest piece of a text that stays on one line. Ids, which have a hyphen, are kept whole. */
function longestWord(text: string): number {
  return text
    .slice(0, 2_000)
    .split(/\s+|(?<=\/)/)
    .flatMap((word) => (word.length > LONGEST_ID ? word.split(/(?<=-)/) : [word]))
    .reduce((longest, word) => Math.max(longest, word.length > LONGEST_WORD ? PIECE : word.length), 0);
}
