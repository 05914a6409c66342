import { Column } from "./columns";
import type { RecordIndex } from "./recordIndex";
import { TextStore } from "./textStore";

const LF = 10;
const CR = 13;
const BOM = [0xef, 0xbb, 0xbf];
const PART = 2 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** An object of a job's input: its position in the store, and those of its lines if each line is a document. */
interface TextFile {
  readonly key: string;
  readonly begin: number;
  readonly end: number;
  readonly lines: { readonly begins: Column<Float64Array>; readonly ends: Column<Float64Array> } | undefined;
}

interface Span {
  readonly begin: number;
  readonly end: number;
}

/** The text of a job's documents, for the search and for tables that show it beside the findings. */
export class InputTexts {
  readonly #byLine: boolean;
  readonly #store = new TextStore();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** By the last segment of the key, which is the file name in results; files of the same name in the order of keys. */
  readonly #files = new Map<string, TextFile[]>();
  /** By the file name in results. */
  readonly #extracted = new Map<string, TextFile>();
  #part: Uint8Array = NOTHING;
  #partBegin = 0;

  constructor(byLine: boolean) {
    this.#byLine = byLine;
  }

  get bytes(): number {
    return this.#store.length;
  }

  /** Add an object of the input. Objects arrive in the order of their keys, as the job read them. */
  add(key: string, read: Uint8Array): void {
    // The job could not read text that is not UTF-8 either; the object keeps its position among those of its name.
    const bytes = isText(read) ? read : NOTHING;
    const marked = BOM.every((byte, at) => bytes[at] === byte);
    const content = marked ? bytes.subarray(BOM.length) : bytes;
    const begin = this.#store.length;
    this.#store.append(content);
    const file = {
      key,
      begin,
      end: begin + content.length,
      lines: this.#byLine ? linesOf(content, begin) : undefined,
    };
    const name = key.split("/").at(-1) ?? "";
    const known = this.#files.get(name);
    if (known === undefined) this.#files.set(name, [file]);
    else known.push(file);
  }

  /** Add the text that the job extracted from a document, by its name in results. */
  addExtracted(file: string, text: string): void {
    const begin = this.#store.length;
    this.#store.append(new TextEncoder().encode(text));
    this.#extracted.set(file, { key: file, begin, end: this.#store.length, lines: undefined });
  }

  /** The text of a record's document; undefined if its object has not been read, or no longer exists. */
  async textOf(index: RecordIndex, record: number): Promise<string | undefined> {
    const span = this.#spanOf(index, record);
    if (span === undefined) return undefined;
    if (span.begin < this.#partBegin || span.end > this.#partBegin + this.#part.length) {
      // Documents are mostly requested in order, so the following ones are read along with one.
      this.#part = await this.#store.read(span.begin, Math.max(span.end, span.begin + PART));
      this.#partBegin = span.begin;
    }
    return this.#decoder.decode(this.#part.subarray(span.begin - this.#partBegin, span.end - this.#partBegin));
  }

  #spanOf(index: RecordIndex, record: number): Span | undefined {
    const name = index.fileOf(record);
    const extracted = this.#extracted.get(name);
    if (extracted !== undefined) return extracted;
    const alike = this.#files.get(name.split("/").at(-1) ?? "") ?? [];
    const fitting = name.includes("/") ? alike.filter(({ key }) => key.endsWith(`/${name}`) || key === name) : alike;
    const file = fitting[fitting.length === 1 ? 0 : index.runOf(record)];
    const line = index.lineOf(record);
    if (file === undefined || line === undefined || file.lines === undefined) return file;
    if (line >= file.lines.begins.length) return undefined;
    return { begin: file.lines.begins.at(line), end: file.lines.ends.at(line) };
  }
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The positions of a file's lines in the store. They end at LF, CR or CRLF, as jobs split them. */
function linesOf(bytes: Uint8Array, offset: number) {
  const begins = new Column(Float64Array);
  const ends = new Column(Float64Array);
  let begin = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) continue;
    begins.push(offset + begin);
    ends.push(offset + at);
    if (byte === CR && bytes[at + 1] === LF) at += 1;
    begin = at + 1;
  }
  if (begin < bytes.length) {
    begins.push(offset + begin);
    ends.push(offset + bytes.length);
  }
  return { begins, ends };
}
