/** The number of code points of a text; a lone surrogate counts as one. */
export function codePointLength(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at += 1) {
    if (isPair(text, at)) {
      count -= 1;
      at += 1;
    }
  }
  return count;
}

/**
 * The positions of code points in a string, whose own indexes count UTF-16 units.
 *
 * ``offsets`` may be in any order; the result of one beyond the end is undefined.
 */
export function unitIndexes(text: string, offsets: readonly number[]): Map<number, number | undefined> {
  const rising = [...new Set(offsets)].sort((one, other) => one - other);
  const places = new Map<number, number | undefined>();
  let unit = 0;
  let point = 0;
  for (const offset of rising) {
    while (point < offset && unit < text.length) {
      unit += isPair(text, unit) ? 2 : 1;
      point += 1;
    }
    places.set(offset, point === offset ? unit : undefined);
  }
  return places;
}

function isPair(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  if (first < 0xd800 || first > 0xdbff) return false;
  const second = text.charCodeAt(at + 1);
  return second >= 0xdc00 && second <= 0xdfff;
}
