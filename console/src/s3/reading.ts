import { FILE_BYTES, type FileFormat, FORMATS, type FormatName, OLD_SUFFIXES } from "../kinds/formats.generated";

/** A file or an object: its name or key, and its size in bytes. */
export interface NamedFile {
  readonly name: string;
  readonly size: number;
  /** Whether its content begins as text in UTF-8 does; only known where the name says no format. */
  readonly text?: boolean;
}

/** Files that no job reads, and why. */
export interface LeftOut {
  readonly reason: string;
  readonly names: readonly string[];
}

/** What jobs read of some files, by their names. A job looks at the content, too, and reads a PDF named .docx as a PDF. */
export interface Reading {
  readonly count: number;
  /** How many files there are in each format, the most frequent first. */
  readonly formats: readonly (readonly [label: string, count: number])[];
  readonly leftOut: readonly LeftOut[];
  /** Whether some files are no plain text, so that a job reads them only with the tag for documents. */
  readonly documents: boolean;
  /** Whether some files are tables, of which a job can read one column. */
  readonly tables: boolean;
}

const OLD = "in formats of office programs before 2007; save them as .docx, .xlsx or .pptx";
const OTHER = "not in a format that is read";
const UNKNOWN = "without the suffix of a known format, read if they are text";
const LARGE = `larger than ${FILE_BYTES / 2 ** 20} MiB`;
/** Formats that are text, so that a job without the tag reads them, too: as it is, or a document in each line. */
const PLAIN: ReadonlySet<FormatName> = new Set<FormatName>(["text", "markdown", "csv", "jsonl"]);
const TABLES: ReadonlySet<FormatName> = new Set<FormatName>(["csv", "excel", "jsonl"]);

const BY_SUFFIX: ReadonlyMap<string, FileFormat> = new Map(
  FORMATS.flatMap((format) => format.suffixes.map((suffix) => [suffix, format] as const)),
);

const [TEXT] = FORMATS as readonly [FileFormat, ...FileFormat[]];

/** The format that a name or a key says; undefined for none that is read. */
export function formatOf(name: string): FileFormat | undefined {
  return BY_SUFFIX.get(suffixOf(name));
}

/** Why no job reads a file; undefined if one does. Text without a known suffix is read as text. */
export function whyLeftOut({ name, size, text }: NamedFile): string | undefined {
  const format = formatOf(name);
  if (format === undefined) {
    if (isOld(name)) return OLD;
    return text === undefined ? UNKNOWN : text ? undefined : OTHER;
  }
  return format.name !== "text" && size > FILE_BYTES ? LARGE : undefined;
}

/** Whether only its content can tell whether a file is read. */
export function isUnknown(name: string): boolean {
  return formatOf(name) === undefined && !isOld(name);
}

function isOld(name: string): boolean {
  return OLD_SUFFIXES.includes(suffixOf(name));
}

export function readingOf(files: readonly NamedFile[]): Reading {
  const counts = new Map<FileFormat, number>();
  const leftOut = new Map<string, string[]>();
  for (const file of files) {
    const reason = whyLeftOut(file);
    const format = formatOf(file.name) ?? TEXT;
    if (reason !== undefined) {
      const names = leftOut.get(reason);
      if (names === undefined) leftOut.set(reason, [file.name]);
      else names.push(file.name);
    } else {
      counts.set(format, (counts.get(format) ?? 0) + 1);
    }
  }
  const formats = [...counts].sort(([, one], [, other]) => other - one);
  const has = (wanted: (name: FormatName) => boolean): boolean => formats.some(([{ name }]) => wanted(name));
  return {
    count: formats.reduce((sum, [, count]) => sum + count, 0),
    formats: formats.map(([{ label }, count]) => [label, count]),
    leftOut: [...leftOut].map(([reason, names]) => ({ reason, names })),
    documents: has((name) => !PLAIN.has(name)),
    tables: has((name) => TABLES.has(name)),
  };
}

/** "PDF (3), plain text (2)" */
export function formatWords({ formats }: Reading): string {
  return formats.map(([label, count]) => `${label} (${count.toLocaleString("en")})`).join(", ");
}

/** The suffix of a name in lower case, with its dot; empty if it has none. */
function suffixOf(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  const dot = last.lastIndexOf(".");
  return dot > 0 ? last.slice(dot).toLowerCase() : "";
}
