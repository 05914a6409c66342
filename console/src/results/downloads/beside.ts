import type { Finding } from "../reading/records";

/** The most characters of a document in a cell of a table: spreadsheets accept some 32,000. */
const MOST = 32_000;
/** The characters shown before and after a finding in the text. */
const AROUND = 100;
const CUT = "…";

/** The text beside a finding in a table: its context in the document, or the document's beginning. */
export function textBeside(text: string | undefined, finding: Finding | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { begin, end } = finding ?? {};
  if (begin === undefined || end === undefined) return shortened(text, MOST);
  // Offsets count code points, so a part of the text that certainly contains them is enough.
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
  // Half of a surrogate pair is not a character.
  const cut = text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "");
  return `${cut}${CUT}`;
}
