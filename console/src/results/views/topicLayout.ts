export interface Circle {
  readonly x: number;
  readonly y: number;
  readonly r: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

const GAP = 2;

/**
 * Pack circles of these radii closely around the middle, in the given order.
 *
 * Each is put where it touches two earlier ones, as near to the middle as possible. The same radii give the
 * same picture.
 */
export function pack(radii: readonly number[]): Circle[] {
  const placed: Circle[] = [];
  for (const r of radii) {
    const [first, ...others] = placed;
    if (first === undefined) placed.push({ x: 0, y: 0, r });
    else if (others.length === 0) placed.push({ x: first.r + r + GAP, y: 0, r });
    else placed.push({ ...nearest(placed, r), r });
  }
  return placed;
}

function nearest(placed: readonly Circle[], r: number): Place {
  const places: Place[] = [];
  for (let one = 0; one < placed.length; one += 1) {
    for (let other = one + 1; other < placed.length; other += 1) {
      places.push(...touching(placed[one] as Circle, placed[other] as Circle, r));
    }
  }
  places.sort((one, other) => one.x ** 2 + one.y ** 2 - (other.x ** 2 + other.y ** 2));
  const free = places.find(({ x, y }) =>
    placed.every((each) => Math.hypot(each.x - x, each.y - y) >= each.r + r + GAP - 1e-6),
  );
  // The right of all circles is always free. It is needed only for invalid radii.
  return free ?? { x: Math.max(...placed.map((each) => each.x + each.r)) + r + GAP, y: 0 };
}

/** The two positions where a circle of radius ``r`` touches both of these. */
function touching(one: Circle, other: Circle, r: number): Place[] {
  const toOne = one.r + r + GAP;
  const toOther = other.r + r + GAP;
  const dx = other.x - one.x;
  const dy = other.y - one.y;
  const apart = Math.hypot(dx, dy);
  if (apart === 0 || apart > toOne + toOther) return [];
  const along = (toOne ** 2 - toOther ** 2 + apart ** 2) / (2 * apart);
  const aside = toOne ** 2 - along ** 2;
  if (aside < 0) return [];
  const height = Math.sqrt(aside);
  const x = one.x + (along * dx) / apart;
  const y = one.y + (along * dy) / apart;
  return [
    { x: x - (height * dy) / apart, y: y + (height * dx) / apart },
    { x: x + (height * dy) / apart, y: y - (height * dx) / apart },
  ];
}

/** The bounds of circles, for an SVG's viewBox. */
export function frame(circles: readonly Circle[]): { x: number; y: number; width: number; height: number } {
  if (circles.length === 0) return { x: 0, y: 0, width: 1, height: 1 };
  const left = Math.min(...circles.map(({ x, r }) => x - r)) - GAP * 2;
  const top = Math.min(...circles.map(({ y, r }) => y - r)) - GAP * 2;
  const right = Math.max(...circles.map(({ x, r }) => x + r)) + GAP * 2;
  const bottom = Math.max(...circles.map(({ y, r }) => y + r)) + GAP * 2;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

export interface Line {
  readonly text: string;
  readonly y: number;
  readonly size: number;
}

const WIDTH_OF_LETTER = 0.58;

/** The lines of text that fit into a circle: as many of the topic's terms as possible, and at least one. */
export function linesIn(r: number, terms: readonly string[]): Line[] {
  const size = Math.max(Math.min(r / 4.2, 18), 5);
  const step = size * 1.2;
  const count = Math.max(1, Math.min(terms.length, 6, Math.floor((2 * r * 0.8) / step)));
  const lines = terms.slice(0, count);
  const top = -((lines.length - 1) * step) / 2;
  return lines.map((text, at) => {
    const y = top + at * step;
    const room = 2 * Math.sqrt(Math.max(r * r - (Math.abs(y) + size / 2) ** 2, 0)) * 0.92;
    return { text: shortened(text, Math.floor(room / (size * WIDTH_OF_LETTER))), y, size };
  });
}

function shortened(text: string, most: number): string {
  const letters = [...text];
  if (letters.length <= most) return text;
  return most < 2 ? "" : `${letters.slice(0, most - 1).join("")}…`;
}
