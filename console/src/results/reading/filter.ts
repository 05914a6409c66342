import type { RecordIndex } from "./recordIndex";
import { type Finding, type ResultRecord, TONES, type Tone } from "./records";

/** Which documents are listed, and which of their findings are shown. */
export interface ResultFilter {
  /** Only findings of these types; empty for all. */
  readonly types: readonly string[];
  readonly tones: readonly Tone[];
  readonly leastScore: number;
  /** Only documents with an error, only those with a matching finding, or all. */
  readonly documents: "all" | "found" | "errors";
  /** Text that must be in a file's name, in the document, in a finding or its type, or in the error. */
  readonly search: string;
  readonly order: "input" | "score";
}

export const NO_FILTER: ResultFilter = {
  types: [],
  tones: [],
  leastScore: 0,
  documents: "all",
  search: "",
  order: "input",
};

export function isShown(finding: Finding, filter: ResultFilter): boolean {
  return (
    finding.score >= filter.leastScore &&
    (filter.types.length === 0 || filter.types.includes(finding.type)) &&
    (filter.tones.length === 0 || (finding.tone !== undefined && filter.tones.includes(finding.tone)))
  );
}

/** The numbers of the records that match, ignoring the search, which needs their text. */
export function selectRecords(index: RecordIndex, filter: ResultFilter): Uint32Array {
  const types = new Set(filter.types.map((type) => index.typeNames.numberOf(type)));
  const tones = new Set(filter.tones.map((tone) => TONES.indexOf(tone) + 1));
  const narrow = filter.documents === "found" || types.size > 0 || tones.size > 0 || filter.leastScore > 0;
  const chosen: number[] = [];
  const best = filter.order === "score" ? new Float32Array(index.length) : undefined;
  for (let record = 0; record < index.length; record += 1) {
    if (filter.documents === "errors") {
      if (index.errors.at(record) > 0) chosen.push(record);
      continue;
    }
    let highest = -1;
    if (narrow || best) {
      const [from, until] = index.findingsOf(record);
      for (let at = from; at < until; at += 1) {
        const score = index.scores.at(at);
        if (score <= highest) continue;
        // Columns store scores in single precision, and rounding must not make 0.9 less than 0.9.
        if (score < Math.fround(filter.leastScore)) continue;
        if (types.size > 0 && !types.has(index.types.at(at))) continue;
        if (tones.size > 0 && !tones.has(index.tones.at(at))) continue;
        highest = score;
      }
    }
    if (narrow && highest < 0) continue;
    chosen.push(record);
    if (best) best[record] = highest;
  }
  const numbers = Uint32Array.from(chosen);
  if (best) numbers.sort((one, other) => (best[other] as number) - (best[one] as number) || one - other);
  return numbers;
}

/** Whether the name of a record's document, such as "reviews.txt:3", contains ``needle``, which is in lower case. */
export function matchesPlace(index: RecordIndex, record: number, needle: string): boolean {
  const file = index.fileOf(record);
  const line = index.lineOf(record);
  return (line === undefined ? file : `${file}:${line + 1}`).toLowerCase().includes(needle);
}

/** Whether the findings or the error of a record contain ``needle``, which is in lower case. */
export function matchesContent(record: ResultRecord, needle: string): boolean {
  const has = (text: string | undefined): boolean => text?.toLowerCase().includes(needle) ?? false;
  return (
    has(record.error?.code) ||
    has(record.error?.message) ||
    record.findings.some((finding) => has(finding.text) || has(finding.type))
  );
}

/** Whether the text of a record may contain the search text: a quick check before parsing it. */
export function mayMatch(line: string, needle: string): boolean {
  return line.includes("\\") || line.toLowerCase().includes(needle);
}
