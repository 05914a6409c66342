import type { Finding } from "../reading/records";

/** Characters that a cell of a table has of a document: spreadsheets take no more than some 32,000. */
const MOST = 32_000;
/** Characters shown before and after a finding in the text. */
const AROUND = 100;
const CUT = "…";

/** The text that stands beside a finding in a table: what is around it in the document, or the document's beginning. */
export function textBeside(text: string | undefined, finding: Finding | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { begin, end } = finding ?? {};
  if (begin === undefined || end === undefined) return shortened(text, MOST);
  // Offsets count code points: a part of the text that surely has them all is enough to count in.
  const letters = [...text.slice(0, 2 * (end + AROUND))];
  const from = Math.max(0, begin - AROUND);
  const until = Math.min(letters.length, end + AROUND);
  const whole = until === letters.length && letters.join("").length === text.length;
  const around = `${from > 0 ? CUT : ""}${letters.slice(from, until).join("")}${whole ? "" : CUT}`;
  return shortened(around, MOST);
}

/** The beginning of a document on one line, for a row of a list. */
export function excerptOf(text: string, most: number): string {
  return shortened(
    text
      .slice(0, most * 4)
      .replaceAll(/\s+/g, " ")
      .trim(),
    most,
  );
}

function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half of a surrogate pair is no character.
  const cut = text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "");
  return `${cut}${CUT}`;
}
