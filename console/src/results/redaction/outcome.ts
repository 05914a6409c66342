import type { ObjectFacts } from "../archive/source";

/** The error of a document whose redacted text still had a string that was found. */
export const CHECK_FAILED = "REDACTION_INCOMPLETE";
/** An object that has only an error record is no larger than this. */
export const RECORD_BYTES = 4_096;
/** A report of an ordinary file is much smaller. */
export const REPORT_BYTES = 262_144;

/** The record of a document without a redacted text. It has no text of the document. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
}

/** What a job reports of a file, beside its objects: only of jobs that read documents of every format. */
export interface Report {
  /** How many places of each type were replaced. */
  readonly replaced: ReadonlyMap<string, number>;
  /** The errors of its documents: one, or several of a mailbox. */
  readonly errors: readonly ErrorRecord[];
  /** Why there is no redacted copy in the file's own format. */
  readonly copyErrors: readonly ErrorRecord[];
}

/** The objects that a job wrote for a file of its input. */
export interface RedactedFile {
  readonly name: string;
  readonly text?: ObjectFacts;
  /** The redacted copy in the format of the file. */
  readonly copy?: ObjectFacts;
  readonly reportObject?: ObjectFacts;
  readonly report?: Report;
  /** The record that the object has in place of a redacted text. */
  readonly error?: ErrorRecord;
}

const SUFFIXES: readonly (readonly [suffix: string, part: "text" | "copy" | "reportObject"])[] = [
  [".report.jsonl", "reportObject"],
  [".redacted.pdf", "copy"],
  [".redacted.docx", "copy"],
  [".out", "text"],
];

/** The files of a job's input, from the objects below its folder. */
export function filesOf(objects: readonly ObjectFacts[], folder: string): RedactedFile[] {
  const files = new Map<string, RedactedFile>();
  for (const object of objects) {
    const name = object.key.slice(folder.length);
    const [suffix, part] = SUFFIXES.find(([end]) => name.endsWith(end)) ?? ["", "text"];
    const file = name.slice(0, name.length - suffix.length);
    files.set(file, { ...files.get(file), name: file, [part]: object });
  }
  return [...files.values()];
}

/** The error record that is all that an object has; undefined if it has a redacted text. */
export function errorRecordOf(bytes: Uint8Array): ErrorRecord | undefined {
  return recordOf(parsed(decode(bytes)), "");
}

/** Parse a report; lines without the documented form are left out. */
export function reportOf(bytes: Uint8Array): Report {
  const replaced = new Map<string, number>();
  const errors: ErrorRecord[] = [];
  const copyErrors: ErrorRecord[] = [];
  for (const line of decode(bytes).split("\n")) {
    const value = parsed(line);
    for (const [prefix, list] of [
      ["", errors],
      ["Copy", copyErrors],
    ] as const) {
      const record = recordOf(value, prefix);
      if (record !== undefined) list.push(record);
    }
    const counts = value?.["Replaced"];
    for (const [type, count] of Object.entries(typeof counts === "object" && counts !== null ? counts : {})) {
      if (Number.isSafeInteger(count)) replaced.set(type, (replaced.get(type) ?? 0) + (count as number));
    }
  }
  return { replaced, errors, copyErrors };
}

type Fields = Readonly<Record<string, unknown>>;

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: false }).decode(bytes);
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function recordOf(value: Fields | undefined, prefix: string): ErrorRecord | undefined {
  const [code, message] = [value?.[`${prefix}ErrorCode`], value?.[`${prefix}ErrorMessage`]];
  return typeof code === "string" && typeof message === "string" ? { code, message } : undefined;
}

/** How a job's redaction ended. */
export interface RedactionSummary {
  readonly redacted: number;
  readonly failed: number;
  /** Documents whose redacted text did not pass the check, as far as records and reports say. */
  readonly unchecked: number;
}

export function summaryOf(files: readonly RedactedFile[]): RedactionSummary {
  const errors = files.flatMap(({ error, report }) => report?.errors ?? (error === undefined ? [] : [error]));
  const failed = files.filter(({ error }) => error !== undefined).length;
  return {
    redacted: files.length - failed,
    failed,
    unchecked: errors.filter(({ code }) => code === CHECK_FAILED).length,
  };
}

/** What a redacted object can be shown as. */
export function shownAs(key: string): "text" | "pdf" | undefined {
  if (/\.pdf$/i.test(key)) return "pdf";
  return /\.out$/i.test(key) ? "text" : undefined;
}
