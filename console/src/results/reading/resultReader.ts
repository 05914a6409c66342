import type { ResultKind } from "../../kinds/rows.generated";
import { ArchiveLimit } from "../archive/errors";
import { GunzipStream } from "../archive/gunzip";
import { type TarMember, TarReader } from "../archive/tar";
import { type ExtractedText, readExtracted } from "./extracted";
import { matchesContent, matchesPlace, mayMatch, type ResultFilter, selectRecords } from "./filter";
import { InputTexts } from "./inputTexts";
import { LIMITS, type ReadingLimits } from "./limits";
import { LineCutter, TOO_LONG } from "./lines";
import { type IndexSummary, RecordIndex } from "./recordIndex";
import { type ResultRecord, readRecord, UNREADABLE, unreadable } from "./records";
import { TextStore } from "./textStore";
import { DocumentRows, readDocumentRows, readRow, readTerm, type TopicTerm } from "./topicTables";

export interface KeptMember extends TarMember {
  readonly begin: number;
  readonly end: number;
}

export interface ResultSummary extends IndexSummary {
  readonly members: readonly KeptMember[];
  /** Links, folders and devices in the archive, which results do not contain. */
  readonly skipped: number;
  readonly textBytes: number;
  readonly terms: readonly TopicTerm[];
}

const TERMS = "topic-terms.csv";
const DOCUMENTS = "doc-topics.csv";
/** The texts that a job extracted from documents of other formats than text: of all, or beside the object of each. */
const EXTRACTED = /^(.+\.)?documents\.jsonl$/s;
const SEARCH_PART = 2 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** Reads an archive of results as it arrives, and then answers queries about it. It does not depend on workers. */
export class ResultReader {
  readonly index = new RecordIndex();
  readonly store = new TextStore();
  /** The part of the job's input that has been read. */
  readonly texts: InputTexts;
  readonly terms: TopicTerm[] = [];
  readonly members: KeptMember[] = [];
  readonly kind: ResultKind;
  readonly byLine: boolean;
  readonly #limits: ReadingLimits;
  readonly #decoder = new TextDecoder();
  readonly #gunzip: GunzipStream;
  readonly #tar: TarReader;
  /** Where the line of each extracted text is in the store, by the name of its document in results. */
  readonly #extractedLines = new Map<string, { readonly begin: number; readonly end: number }>();
  #cutter: LineCutter | undefined;
  #rows: DocumentRows | undefined;
  #memberBegin = 0;
  #file: TarMember | undefined;

  constructor(kind: ResultKind, byLine: boolean, limits: ReadingLimits = LIMITS) {
    this.kind = kind;
    this.byLine = byLine;
    this.texts = new InputTexts(byLine);
    this.#limits = limits;
    this.#tar = new TarReader({
      onMember: (member) => this.#begin(member),
      onBytes: (bytes) => this.#content(bytes),
      onMemberEnd: (member) => this.#end(member),
    });
    this.#gunzip = new GunzipStream((bytes) => this.#tar.push(bytes));
  }

  push(bytes: Uint8Array): void {
    this.#gunzip.push(bytes);
  }

  /** Begin a file that is an object of its own instead of a member of an archive, and end the one before. */
  beginFile(file: TarMember): void {
    this.#endFile();
    this.#file = file;
    this.#begin(file);
  }

  /** Take the next bytes of the file that was begun. */
  pushFile(bytes: Uint8Array): void {
    this.#content(bytes);
  }

  finish(): void {
    if (this.#file !== undefined) {
      this.#endFile();
      return;
    }
    this.#gunzip.finish();
    this.#tar.finish();
  }

  summary(): ResultSummary {
    return {
      ...this.index.summary(),
      members: this.members,
      skipped: this.#tar.skipped,
      textBytes: this.store.length,
      terms: this.terms,
    };
  }

  async record(number: number): Promise<ResultRecord> {
    const begin = this.index.begins.at(number);
    return this.#parse(await this.store.read(begin, begin + this.index.lengths.at(number)));
  }

  /** The text that the job extracted from a record's document; undefined if it read the file as it is. */
  async extracted(number: number): Promise<ExtractedText | undefined> {
    const line = this.#extractedLines.get(this.index.fileOf(number));
    if (line === undefined) return undefined;
    return readExtracted(this.#decoder.decode(await this.store.read(line.begin, line.end)));
  }

  /** Several records, in the order of the given numbers; adjacent ones are read together. */
  async records(numbers: readonly number[]): Promise<ResultRecord[]> {
    if (numbers.length === 0) return [];
    const { begins, lengths } = this.index;
    const places = numbers.map((number) => ({ begin: begins.at(number), end: begins.at(number) + lengths.at(number) }));
    const begin = places.reduce((least, place) => Math.min(least, place.begin), Number.POSITIVE_INFINITY);
    const end = places.reduce((most, place) => Math.max(most, place.end), 0);
    if (end - begin > SEARCH_PART) return Promise.all(numbers.map((number) => this.record(number)));
    const bytes = await this.store.read(begin, end);
    return places.map((place) => this.#parse(bytes.subarray(place.begin - begin, place.end - begin)));
  }

  /**
   * The numbers of the records that match a filter. ``onProgress`` gets the share that was searched, and may stop it.
   */
  async select(filter: ResultFilter, onProgress: (share: number) => boolean = () => true): Promise<Uint32Array> {
    const chosen = selectRecords(this.index, filter);
    const needle = filter.search.trim().toLowerCase();
    if (needle === "") return chosen;
    const found = new Set<number>();
    const inOrder = filter.order === "input" ? chosen : Uint32Array.from(chosen).sort();
    await this.eachLine(inOrder, (line, number) => {
      if (matchesPlace(this.index, number, needle)) found.add(number);
      else if (mayMatch(line, needle) && matchesContent(this.parseText(line), needle)) found.add(number);
      return number % 512 !== 0 || onProgress(number / Math.max(this.index.length, 1));
    });
    for (const number of this.texts.bytes === 0 ? [] : inOrder) {
      if (number % 512 === 0 && !onProgress(number / Math.max(this.index.length, 1))) break;
      if (found.has(number)) continue;
      const text = await this.texts.textOf(this.index, number);
      if (text?.toLowerCase().includes(needle)) found.add(number);
    }
    return chosen.filter((number) => found.has(number));
  }

  /**
   * Read the text of these records, which are in ascending order, in large parts. Ends early if ``visit`` returns
   * false.
   */
  async eachLine(
    numbers: Uint32Array,
    visit: (line: string, number: number) => boolean | Promise<boolean>,
  ): Promise<void> {
    const { begins, lengths } = this.index;
    let partBegin = 0;
    let part: Uint8Array = NOTHING;
    for (const number of numbers) {
      const begin = begins.at(number);
      const end = begin + lengths.at(number);
      if (begin < partBegin || end > partBegin + part.length) {
        partBegin = begin;
        part = await this.store.read(begin, Math.max(end, begin + SEARCH_PART));
      }
      const going = visit(this.#decoder.decode(part.subarray(begin - partBegin, end - partBegin)), number);
      // Awaiting a value that is already there would cost more than the visit.
      if (!(typeof going === "boolean" ? going : await going)) return;
    }
  }

  parseText(text: string): ResultRecord {
    if (this.kind === "topics") return readDocumentRows(text, this.byLine);
    return readRecord(this.kind, text);
  }

  #begin({ name }: TarMember): void {
    this.#memberBegin = this.store.length;
    const base = name.split("/").at(-1) ?? "";
    if (EXTRACTED.test(base)) this.#cutter = this.#lines((...line) => this.#extracted(...line));
    else if (this.kind !== "topics") this.#cutter = this.#lines((line, begin, end) => this.#jsonLine(line, begin, end));
    else if (base === TERMS) this.#cutter = this.#lines((line) => this.#term(line));
    else if (base === DOCUMENTS) {
      this.#rows = new DocumentRows(this.byLine, (record, begin, end) => this.#add(record, begin, end));
      this.#cutter = this.#lines((line, begin, end) => this.#documentRow(line, begin, end));
    }
  }

  #endFile(): void {
    if (this.#file !== undefined) this.#end(this.#file);
  }

  #content(bytes: Uint8Array): void {
    if (this.store.length + bytes.length > this.#limits.textBytes) {
      throw limit(`${this.#limits.textBytes.toLocaleString("en")} bytes of content`);
    }
    this.store.append(bytes);
    this.#cutter?.push(bytes);
  }

  #end(member: TarMember): void {
    this.#cutter?.finish();
    this.#rows?.finish();
    this.#cutter = undefined;
    this.#rows = undefined;
    this.members.push({ ...member, begin: this.#memberBegin, end: this.store.length });
  }

  #lines(onLine: (line: Uint8Array | typeof TOO_LONG, begin: number, end: number) => void): LineCutter {
    return new LineCutter(this.#limits.lineBytes, this.store.length, onLine);
  }

  #jsonLine(line: Uint8Array | typeof TOO_LONG, begin: number, end: number): void {
    if (line === TOO_LONG) this.#add(tooLong(end - begin), begin, begin);
    else if (line.length > 0) this.#add(this.#parse(line), begin, end);
  }

  #extracted(line: Uint8Array | typeof TOO_LONG, begin: number, end: number): void {
    if (line === TOO_LONG || line.length === 0) return;
    // The results are complete without a damaged line; its document is shown without its text.
    const found = readExtracted(this.#decoder.decode(line));
    if (found === undefined) return;
    this.texts.addExtracted(found.file, found.text);
    this.#extractedLines.set(found.file, { begin, end });
  }

  #term(line: Uint8Array | typeof TOO_LONG): void {
    const term = line === TOO_LONG ? undefined : readTerm(this.#decoder.decode(line));
    if (term === undefined) return;
    if (this.terms.length >= this.#limits.terms) throw limit(`${this.#limits.terms.toLocaleString("en")} terms`);
    this.terms.push(term);
  }

  #documentRow(line: Uint8Array | typeof TOO_LONG, begin: number, end: number): void {
    if (line === TOO_LONG) {
      this.#add(tooLong(end - begin), begin, begin);
      return;
    }
    const text = this.#decoder.decode(line);
    const row = readRow(text);
    if (row) this.#rows?.add(row, begin, end);
    else if (text.trim() !== "" && begin > this.#memberBegin) {
      this.#add(unreadable("The row does not have a document, topic and proportion."), begin, begin);
    }
  }

  #parse(bytes: Uint8Array): ResultRecord {
    if (bytes.length === 0) return unreadable("The line is too long to be shown. Download the archive to see it.");
    return this.parseText(this.#decoder.decode(bytes));
  }

  #add(record: ResultRecord, begin: number, end: number): void {
    if (this.index.length >= this.#limits.records)
      throw limit(`${this.#limits.records.toLocaleString("en")} documents`);
    if (this.index.types.length + record.findings.length > this.#limits.findings) {
      throw limit(`${this.#limits.findings.toLocaleString("en")} findings`);
    }
    this.index.add(record, begin, end - begin);
  }
}

function limit(what: string): ArchiveLimit {
  return new ArchiveLimit(
    `The archive has more than ${what}. The part before that is shown; download the archive to read the rest.`,
  );
}

function tooLong(bytes: number): ResultRecord {
  const message = `The line has ${bytes.toLocaleString("en")} bytes, too many to show. Download the archive to see it.`;
  return { file: "(none)", findings: [], error: { code: UNREADABLE, message } };
}
