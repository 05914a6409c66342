/** A rectangle of the page, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A curve from the right side of one box to the left side of another, relative to the drawing that contains them. */
export function curve(from: Box, to: Box, drawing: Box): string {
  const x1 = from.left + from.width - drawing.left;
  const y1 = from.top + from.height / 2 - drawing.top;
  const x2 = to.left - drawing.left;
  const y2 = to.top + to.height / 2 - drawing.top;
  const bend = Math.max(16, (x2 - x1) / 2);
  return `M ${round(x1)} ${round(y1)} C ${round(x1 + bend)} ${round(y1)}, ${round(x2 - bend)} ${round(y2)}, ${round(x2)} ${round(y2)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
