import { RESULTS, type ResultKind } from "../../kinds/rows.generated";

export type Tone = "POSITIVE" | "NEGATIVE" | "NEUTRAL" | "MIXED";
export const TONES: readonly Tone[] = ["POSITIVE", "NEUTRAL", "MIXED", "NEGATIVE"];

export type ToneScores = Readonly<Partial<Record<"Positive" | "Negative" | "Neutral" | "Mixed", number>>>;

/** An entity in a role of an event, by the longest of its mentions. */
export interface EventRole {
  readonly role: string;
  readonly text: string;
  readonly score: number;
}

/** A finding in a document: an entity, a phrase, a language, a class, a topic, words that tell an event. */
export interface Finding {
  readonly type: string;
  readonly score: number;
  /** Code points from the start of the document, the end excluded; absent for findings without a position. */
  readonly begin?: number;
  readonly end?: number;
  readonly text?: string;
  /** The number of the entity that it mentions, or of the event that it tells, from 0. */
  readonly group?: number;
  readonly groupScore?: number;
  readonly best?: boolean;
  readonly tone?: Tone;
  readonly toneScores?: ToneScores;
  /** Who and what takes part in the event that it tells: the same for all findings of an event. */
  readonly roles?: readonly EventRole[];
}

/** The result of one document. */
export interface ResultRecord {
  readonly file: string;
  readonly line?: number;
  readonly findings: readonly Finding[];
  readonly error?: { readonly code: string; readonly message: string };
  /** For a classification: whether several labels may apply at once. */
  readonly several?: boolean;
  readonly toneScores?: ToneScores;
}

/** The type of a finding whose kind has no types. */
export const KEY_PHRASE = "KEY_PHRASE";
/** Our own error code for a line that does not have the documented format. */
export const UNREADABLE = "UNREADABLE_RESULT";
const MISSING = "(none)";

/** Parse a line of a result. A line that does not have the documented format becomes a record with an error. */
export function readRecord(kind: ResultKind, line: string): ResultRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return unreadable("The line is not JSON.");
  }
  if (!isObject(value)) return unreadable("The line is not a JSON object.");
  const file = text(value["File"]) ?? MISSING;
  const number = Number(value["Line"] ?? Number.NaN);
  const place = { file, ...(Number.isSafeInteger(number) && number >= 0 && { line: number }) };
  const code = text(value["ErrorCode"]);
  if (code !== undefined) {
    return { ...place, findings: [], error: { code, message: text(value["ErrorMessage"]) ?? "" } };
  }
  const found = findingsOf(kind, value);
  if (found === undefined) {
    return { ...place, findings: [], error: { code: UNREADABLE, message: "The line has no result of this kind." } };
  }
  return { ...place, ...found };
}

function findingsOf(kind: ResultKind, value: Fields): Omit<ResultRecord, "file" | "line"> | undefined {
  const { layout, members, typeMember } = RESULTS[kind];
  const [member = "", several] = members;
  switch (layout) {
    case "spans":
    case "offsets":
      return listed(value[member], (each) =>
        spanned(each, typeMember === undefined ? KEY_PHRASE : (text(each[typeMember]) ?? MISSING)),
      );
    case "types": {
      const apply = several !== undefined && Array.isArray(value[several]);
      const found = listed(value[apply ? several : member], (each) => scored(each, typeMember ?? ""));
      return found && { ...found, ...(several !== undefined && { several: apply }) };
    }
    case "tone":
      return sentiment(value);
    case "mentions":
      return mentions(value[member]);
    case "events":
      return events(value[member], value["Entities"]);
    case "tokens":
    case "topics":
      return undefined;
  }
}

function listed(list: unknown, read: (each: Fields) => Finding): { findings: Finding[] } | undefined {
  return Array.isArray(list) ? { findings: list.filter(isObject).map(read) } : undefined;
}

function scored(each: Fields, name: string): Finding {
  return { type: text(each[name]) ?? MISSING, score: score(each["Score"]) };
}

function spanned(each: Fields, type: string): Finding {
  const begin = offset(each["BeginOffset"]);
  const end = offset(each["EndOffset"]);
  const found = text(each["Text"]);
  return {
    type,
    score: score(each["Score"]),
    ...(begin !== undefined && end !== undefined && end >= begin && { begin, end }),
    ...(found !== undefined && { text: found }),
  };
}

function sentiment(value: Fields): Omit<ResultRecord, "file" | "line"> | undefined {
  const type = text(value["Sentiment"]);
  if (type === undefined) return undefined;
  const toneScores = scores(value["SentimentScore"]);
  const tone = toneOf(type);
  return { findings: [{ type, score: tone ? (toneScores[scoreName(tone)] ?? 0) : 0 }], toneScores };
}

function mentions(list: unknown): { findings: Finding[] } | undefined {
  if (!Array.isArray(list)) return undefined;
  const findings: Finding[] = [];
  list.filter(isObject).forEach((entity, group) => {
    const best = new Set(Array.isArray(entity["DescriptiveMentionIndex"]) ? entity["DescriptiveMentionIndex"] : []);
    const members = Array.isArray(entity["Mentions"]) ? entity["Mentions"].filter(isObject) : [];
    members.forEach((mention, index) => {
      const sentiment = isObject(mention["MentionSentiment"]) ? mention["MentionSentiment"] : {};
      const tone = toneOf(text(sentiment["Sentiment"]));
      findings.push({
        ...spanned(mention, text(mention["Type"]) ?? MISSING),
        group,
        groupScore: score(mention["GroupScore"]),
        best: best.has(index),
        ...(tone && { tone }),
        toneScores: scores(sentiment["SentimentScore"]),
      });
    });
  });
  return { findings };
}

function events(list: unknown, named: unknown): { findings: Finding[] } | undefined {
  if (!Array.isArray(list)) return undefined;
  const names = Array.isArray(named) ? named.map(longestMention) : [];
  const findings: Finding[] = [];
  list.filter(isObject).forEach((event, group) => {
    const roles = objects(event["Arguments"]).map((each) => ({
      role: text(each["Role"]) ?? MISSING,
      text: names[Number(each["EntityIndex"])] ?? MISSING,
      score: score(each["Score"]),
    }));
    for (const trigger of objects(event["Triggers"])) {
      const type = text(trigger["Type"]) ?? text(event["Type"]) ?? MISSING;
      findings.push({ ...spanned(trigger, type), group, groupScore: score(trigger["GroupScore"]), roles });
    }
  });
  return { findings };
}

function longestMention(entity: unknown): string {
  const texts = objects(isObject(entity) ? entity["Mentions"] : undefined).map((each) => text(each["Text"]) ?? "");
  return texts.reduce((longest, each) => (each.length > longest.length ? each : longest), "");
}

function objects(list: unknown): Fields[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** The name of a sentiment's score: "Positive" for "POSITIVE". */
export function scoreName(tone: Tone): "Positive" | "Negative" | "Neutral" | "Mixed" {
  return ({ POSITIVE: "Positive", NEGATIVE: "Negative", NEUTRAL: "Neutral", MIXED: "Mixed" } as const)[tone];
}

type Fields = Readonly<Record<string, unknown>>;

export function unreadable(message: string): ResultRecord {
  return { file: MISSING, findings: [], error: { code: UNREADABLE, message } };
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function score(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function scores(value: unknown): ToneScores {
  if (!isObject(value)) return {};
  const named = TONES.map(scoreName).map((name) => [name, score(value[name])] as const);
  return Object.fromEntries(named);
}

function offset(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function toneOf(value: string | undefined): Tone | undefined {
  return TONES.find((tone) => tone === value);
}
