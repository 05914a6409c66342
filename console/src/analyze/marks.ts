/** A part of a text to be marked. Offsets count code points; the end is excluded. */
export interface Mark {
  readonly key: string;
  readonly begin: number;
  readonly end: number;
  readonly label: string | undefined;
  /** Which of the palette's colours; marks of one kind share it. */
  readonly colour: number;
}

/** A stretch of text with the mark that contains it, if any. A mark that overlaps others has several stretches. */
export interface Stretch {
  readonly key: string;
  readonly text: string;
  readonly mark: Mark | undefined;
  /** Whether this is the mark's last stretch, which its label follows. */
  readonly last: boolean;
}

/**
 * Cut a text at the bounds of its marks. Where marks overlap, the innermost is shown.
 *
 * Marks beyond the end of the text are left out: they belong to the answer for another text.
 */
export function stretchesOf(text: string, marks: readonly Mark[]): Stretch[] {
  const points = Array.from(text);
  const fitting = marks
    .filter(({ begin, end }) => 0 <= begin && begin < end && end <= points.length)
    .sort((one, other) => one.begin - other.begin || other.end - one.end);
  const bounds = [...new Set([0, points.length, ...fitting.flatMap(({ begin, end }) => [begin, end])])];
  bounds.sort((one, other) => one - other);
  const stretches: Stretch[] = [];
  let open: Mark[] = [];
  let next = 0;
  for (let place = 0; place + 1 < bounds.length; place += 1) {
    const from = bounds[place] ?? 0;
    const to = bounds[place + 1] ?? 0;
    open = open.filter(({ end }) => end > from);
    for (let mark = fitting[next]; mark !== undefined && mark.begin <= from; mark = fitting[next]) {
      open.push(mark);
      next += 1;
    }
    stretches.push({ key: `${from}`, text: points.slice(from, to).join(""), mark: innermost(open), last: false });
  }
  const later = new Set<Mark | undefined>([undefined]);
  return stretches
    .toReversed()
    .map((stretch) => {
      const last = !later.has(stretch.mark);
      later.add(stretch.mark);
      return { ...stretch, last };
    })
    .toReversed();
}

function innermost(open: readonly Mark[]): Mark | undefined {
  let found: Mark | undefined;
  for (const mark of open) {
    if (found === undefined || mark.end - mark.begin <= found.end - found.begin) found = mark;
  }
  return found;
}
