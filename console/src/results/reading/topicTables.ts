import { parseCsv } from "./csvRows";
import type { Finding, ResultRecord } from "./records";

export interface TopicTerm {
  readonly topic: string;
  readonly term: string;
  readonly weight: number;
}

/** A row of ``topic-terms.csv``; undefined for the header and for malformed rows. */
export function readTerm(line: string): TopicTerm | undefined {
  const [topic, term, weight] = parseCsv(line)[0] ?? [];
  const number = Number(weight);
  if (topic === undefined || term === undefined || weight === undefined || !Number.isFinite(number)) return undefined;
  return { topic, term, weight: number };
}

/** The name of a document in ``doc-topics.csv``: the file, and the line if each line is a document. */
export function readDocumentName(name: string, byLine: boolean): { file: string; line?: number } {
  const found = byLine ? /^(.*):(\d+)$/s.exec(name) : null;
  if (found === null) return { file: name };
  return { file: found[1] as string, line: Number(found[2]) };
}

interface Row {
  readonly name: string;
  readonly topic: string;
  readonly proportion: number;
}

export function readRow(line: string): Row | undefined {
  const [name, topic, proportion] = parseCsv(line)[0] ?? [];
  const number = Number(proportion);
  if (name === undefined || topic === undefined || proportion === undefined || !Number.isFinite(number)) {
    return undefined;
  }
  return { name, topic, proportion: number };
}

/** Combines consecutive rows of ``doc-topics.csv`` into documents. */
export class DocumentRows {
  readonly #byLine: boolean;
  readonly #onDocument: (record: ResultRecord, begin: number, end: number) => void;
  #name: string | undefined;
  #findings: Finding[] = [];
  #begin = 0;
  #end = 0;

  constructor(byLine: boolean, onDocument: (record: ResultRecord, begin: number, end: number) => void) {
    this.#byLine = byLine;
    this.#onDocument = onDocument;
  }

  add(row: Row, begin: number, end: number): void {
    if (row.name !== this.#name) {
      this.finish();
      this.#name = row.name;
      this.#begin = begin;
    }
    this.#findings.push({ type: row.topic, score: row.proportion });
    this.#end = end;
  }

  finish(): void {
    if (this.#name === undefined) return;
    const record = { ...readDocumentName(this.#name, this.#byLine), findings: this.#findings };
    this.#onDocument(record, this.#begin, this.#end);
    this.#name = undefined;
    this.#findings = [];
  }
}

/** Read the rows of one document again. */
export function readDocumentRows(text: string, byLine: boolean): ResultRecord {
  let read: ResultRecord = { file: "(none)", findings: [] };
  const rows = new DocumentRows(byLine, (record) => {
    read = record;
  });
  for (const line of text.split("\n")) {
    const row = readRow(line);
    if (row) rows.add(row, 0, 0);
  }
  rows.finish();
  return read;
}
