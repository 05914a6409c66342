import type { Finding } from "../reading/records";
import { unitIndexes } from "./codePoints";

/** A finding with its position in the text, in UTF-16 units, as strings count. */
export interface Placed {
  readonly finding: Finding;
  /** Its index among the findings of the document. */
  readonly number: number;
  readonly from: number;
  readonly until: number;
}

/** A stretch of text that is covered by the same findings. */
export interface Segment {
  readonly from: number;
  readonly until: number;
  /** The findings that cover it, innermost first, which is the one that begins last. */
  readonly over: readonly Placed[];
}

export interface Placement {
  readonly placed: readonly Placed[];
  /** Findings beyond the end of the text, or whose text differs there: the document has changed. */
  readonly misplaced: readonly number[];
}

/** Find the position of each finding in the document's text, and check that the found text is there. */
export function place(text: string, findings: readonly Finding[]): Placement {
  const offsets = findings.flatMap(({ begin, end }) => (begin === undefined || end === undefined ? [] : [begin, end]));
  const indexes = unitIndexes(text, offsets);
  const placed: Placed[] = [];
  const misplaced: number[] = [];
  findings.forEach((finding, number) => {
    if (finding.begin === undefined || finding.end === undefined) {
      // A finding without a text is about the whole document; one with a text should have a position.
      if (finding.text !== undefined) misplaced.push(number);
      return;
    }
    const from = indexes.get(finding.begin);
    const until = indexes.get(finding.end);
    const fits =
      from !== undefined &&
      until !== undefined &&
      (finding.text === undefined || text.slice(from, until) === finding.text);
    if (fits) placed.push({ finding, number, from, until });
    else misplaced.push(number);
  });
  return { placed: placed.sort((one, other) => one.from - other.from || other.until - one.until), misplaced };
}

/** Cut a window of the text where findings begin and end. Findings may overlap; empty ones mark nothing. */
export function segments(placed: readonly Placed[], from: number, until: number): Segment[] {
  const inside = placed.filter((each) => each.until > from && each.from < until && each.until > each.from);
  const cuts = new Set([from, until]);
  for (const each of inside) {
    cuts.add(Math.max(each.from, from));
    cuts.add(Math.min(each.until, until));
  }
  const rising = [...cuts].sort((one, other) => one - other);
  const made: Segment[] = [];
  let active: Placed[] = [];
  let next = 0;
  for (let at = 0; at + 1 < rising.length; at += 1) {
    const begin = rising[at] as number;
    const end = rising[at + 1] as number;
    active = active.filter((each) => each.until > begin);
    while (next < inside.length && (inside[next] as Placed).from <= begin) {
      const each = inside[next] as Placed;
      if (each.until > begin) active.push(each);
      next += 1;
    }
    made.push({ from: begin, until: end, over: [...active].reverse() });
  }
  return made;
}

/**
 * The ends of the text's pages: near ``length`` units each, never inside a surrogate pair or a short finding.
 *
 * ``placed`` is sorted by beginning.
 */
export function pageEnds(text: string, placed: readonly Placed[], length: number): number[] {
  const ends: number[] = [];
  const short = length / 4;
  let begin = 0;
  let next = 0;
  while (text.length - begin > length * 1.25) {
    let end = begin + length;
    // Search only the page: a long text without line breaks would be searched once for each page.
    const half = begin + Math.floor(length / 2) + 1;
    const blank = text.slice(half, end + 1).lastIndexOf("\n");
    if (blank >= 0) end = half + blank + 1;
    while (next < placed.length && (placed[next] as Placed).from <= end - short) next += 1;
    for (let at = next; at < placed.length && (placed[at] as Placed).from < end; at += 1) {
      const { from, until } = placed[at] as Placed;
      if (until <= end || until - from >= short) continue;
      if (from > begin) end = from;
      break;
    }
    const code = text.charCodeAt(end);
    if (code >= 0xdc00 && code <= 0xdfff) end += 1;
    ends.push(end);
    begin = end;
  }
  ends.push(text.length);
  return ends;
}
