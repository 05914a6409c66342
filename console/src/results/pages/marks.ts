import { unitIndexes } from "../document/codePoints";
import type { Placed } from "../document/segments";
import type { Block, Box, ExtractedText } from "../reading/extracted";

/** A finding, or the part of it that is in one line, on a page. */
export interface Mark {
  readonly placed: Placed;
  readonly box: Box;
}

/** The width of a text in any unit, to divide a line's box among its characters. */
export type Measure = (text: string) => number;

/** Scripts that run from right to left, whose lines are marked as a whole. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/** Whether a document's blocks say where on its pages they are. */
export function hasBoxes({ blocks }: ExtractedText): boolean {
  return blocks.some(({ box }) => box !== undefined);
}

/**
 * The marks of each page, by the boxes of the blocks.
 *
 * A box belongs to a line. The part of it that a finding takes is computed from the widths of characters in another
 * font, so it is near the truth, not exact.
 */
export function marksOf(
  { text, blocks }: ExtractedText,
  placed: readonly Placed[],
  measure: Measure,
): ReadonlyMap<number, readonly Mark[]> {
  const lines = blocks.filter((block) => block.box !== undefined).sort((one, other) => one.begin - other.begin);
  const units = unitIndexes(text, [...lines.flatMap(({ begin, end }) => [begin, end])]);
  const places = lines.map((block) => ({
    block,
    from: units.get(block.begin) ?? text.length,
    until: units.get(block.end) ?? text.length,
  }));
  const marks = new Map<number, Mark[]>();
  for (const each of placed) {
    for (let at = firstAfter(places, each.from); at < places.length; at += 1) {
      const { block, from, until } = places[at] as (typeof places)[number];
      if (from >= each.until) break;
      const box = partOf(block, text.slice(from, until), each.from - from, each.until - from, measure);
      if (box === undefined) continue;
      const known = marks.get(block.page);
      if (known === undefined) marks.set(block.page, [{ placed: each, box }]);
      else known.push({ placed: each, box });
    }
  }
  return marks;
}

/** The first line that ends after a place of the text; lines are in the order of the text. */
function firstAfter(places: readonly { readonly until: number }[], from: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] as { until: number }).until > from) high = middle;
    else low = middle + 1;
  }
  return low;
}

function partOf({ box }: Block, line: string, from: number, until: number, measure: Measure): Box | undefined {
  if (box === undefined) return undefined;
  const upright = box.height > box.width && line.length > 2;
  if (upright || RIGHT_TO_LEFT.test(line)) return box;
  const whole = measure(line);
  if (whole <= 0) return box;
  const before = from <= 0 ? 0 : measure(line.slice(0, from)) / whole;
  const after = until >= line.length ? 1 : measure(line.slice(0, until)) / whole;
  return { ...box, left: box.left + before * box.width, width: Math.max(0, after - before) * box.width };
}

/** A measure that uses a font of the page; without a canvas it counts characters. */
export function fontMeasure(): Measure {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) return (text) => text.length;
  context.font = "100px sans-serif";
  return (text) => context.measureText(text).width;
}
