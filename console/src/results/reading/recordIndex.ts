import { Column, Names } from "./columns";
import { type ResultRecord, TONES, type Tone } from "./records";

const MOST_TYPES = 60_000;
const MOST_FREQUENT = 50_000;
/** How many characters of a text distinguish it when texts are counted, and how many texts a summary has. */
const MOST_LENGTH = 200;
const MOST_SHOWN = 100;
const NO_LINE = -1;
/** In multi-label mode, a label applies from this score; docs/kinds/classification.md. */
export const LABEL_HOLDS = 0.5;

export interface TypeCount {
  readonly type: string;
  readonly findings: number;
  /** Documents that have at least one. */
  readonly documents: number;
  /** Documents whose best one it is (in multi-label mode: to which it applies). */
  readonly leading: number;
}

export interface FrequentText {
  readonly text: string;
  readonly type: string;
  readonly count: number;
}

export interface IndexSummary {
  readonly records: number;
  readonly errors: number;
  readonly findings: number;
  readonly files: number;
  readonly several: boolean;
  readonly types: readonly TypeCount[];
  readonly tones: readonly { readonly tone: Tone; readonly findings: number }[];
  readonly errorCodes: readonly { readonly code: string; readonly count: number }[];
  readonly frequent: readonly FrequentText[];
  /** Whether there were so many different texts that the counts of the frequent ones may be too low. */
  readonly frequentPartial: boolean;
}

/** The positions and findings of the records, in columns: some 30 bytes per record and 7 per finding. */
export class RecordIndex {
  readonly begins = new Column(Float64Array);
  readonly lengths = new Column(Uint32Array);
  readonly files = new Column(Uint32Array);
  readonly lines = new Column(Int32Array);
  /** The number of the error code plus one; 0 for none. */
  readonly errors = new Column(Uint16Array);
  readonly firstFindings = new Column(Uint32Array);
  readonly types = new Column(Uint16Array);
  readonly scores = new Column(Float32Array);
  /** The number of the tone plus one; 0 for none. */
  readonly tones = new Column(Uint8Array);
  readonly fileNames = new Names(3_000_000);
  readonly typeNames = new Names(MOST_TYPES);
  readonly errorCodes = new Names(MOST_TYPES);
  /** Filled as far as it was needed: see ``runOf``. */
  readonly #runs = new Column(Uint32Array);
  readonly #lastOfFile = new Map<number, number>();
  /** How often each text was found, by the number of its type. */
  readonly #frequent: Map<string, number>[] = [];
  #frequentTexts = 0;
  readonly #counts = { findings: new Column(Uint32Array), documents: new Column(Uint32Array) };
  readonly #leading = new Column(Uint32Array);
  readonly #errorCounts = new Column(Uint32Array);
  readonly #toneCounts = TONES.map(() => 0);
  #frequentPartial = false;
  #several = false;

  get length(): number {
    return this.begins.length;
  }

  add(record: ResultRecord, begin: number, length: number): void {
    this.begins.push(begin);
    this.lengths.push(length);
    this.files.push(this.fileNames.of(record.file));
    this.lines.push(record.line ?? NO_LINE);
    this.firstFindings.push(this.types.length);
    this.errors.push(record.error === undefined ? 0 : this.#countError(record.error.code));
    if (record.several) this.#several = true;
    const seen = new Set<number>();
    let best: { type: number; score: number } | undefined;
    for (const { type: name, score, tone, text } of record.findings) {
      const type = this.#typeOf(name);
      this.types.push(type);
      this.scores.push(score);
      this.tones.push(tone === undefined ? 0 : this.#countTone(tone));
      increase(this.#counts.findings, type);
      if (!seen.has(type)) increase(this.#counts.documents, type);
      seen.add(type);
      if (record.several && score >= LABEL_HOLDS) increase(this.#leading, type);
      if (best === undefined || score > best.score) best = { type, score };
      if (text !== undefined) this.#countText(type, text);
    }
    if (best !== undefined && !record.several) increase(this.#leading, best.type);
  }

  lineOf(record: number): number | undefined {
    const line = this.lines.at(record);
    return line === NO_LINE ? undefined : line;
  }

  fileOf(record: number): string {
    return this.fileNames.list[this.files.at(record)] as string;
  }

  /** The range of the numbers of a record's findings: first, and end. */
  findingsOf(record: number): readonly [number, number] {
    const last = record + 1 === this.length;
    return [this.firstFindings.at(record), last ? this.types.length : this.firstFindings.at(record + 1)];
  }

  /** Which of the files of the same name a record belongs to: records are in the order of the input's keys. */
  runOf(record: number): number {
    for (let at = this.#runs.length; at <= record; at += 1) {
      const last = this.#lastOfFile.get(this.files.at(at));
      // A file of this name ends where another file begins, or where the line numbers start again.
      const same = last === at - 1 && this.lines.at(at) > this.lines.at(last);
      this.#runs.push(last === undefined ? 0 : this.#runs.at(last) + (same ? 0 : 1));
      this.#lastOfFile.set(this.files.at(at), at);
    }
    return this.#runs.at(record);
  }

  summary(): IndexSummary {
    const types = this.typeNames.list.map((type, number) => ({
      type,
      findings: this.#counts.findings.at(number),
      documents: this.#counts.documents.at(number),
      leading: this.#leading.at(number),
    }));
    const frequent = this.#frequent.flatMap((texts, type) =>
      Array.from(texts, ([text, count]) => ({ type: this.typeNames.list[type] as string, text, count })),
    );
    const errorCodes = this.errorCodes.list.map((code, number) => ({ code, count: this.#errorCounts.at(number) }));
    return {
      records: this.length,
      errors: errorCodes.reduce((sum, each) => sum + each.count, 0),
      findings: this.types.length,
      files: this.fileNames.list.length,
      several: this.#several,
      types: types.sort((one, other) => other.findings - one.findings || one.type.localeCompare(other.type)),
      tones: TONES.map((tone, at) => ({ tone, findings: this.#toneCounts[at] as number })),
      errorCodes,
      frequent: frequent.sort((one, other) => other.count - one.count).slice(0, MOST_SHOWN),
      frequentPartial: this.#frequentPartial,
    };
  }

  #typeOf(name: string): number {
    const type = this.typeNames.of(name);
    while (this.#frequent.length <= type) this.#frequent.push(new Map());
    for (const column of [this.#counts.findings, this.#counts.documents, this.#leading]) {
      while (column.length <= type) column.push(0);
    }
    return type;
  }

  #countError(code: string): number {
    const number = this.errorCodes.of(code);
    while (this.#errorCounts.length <= number) this.#errorCounts.push(0);
    increase(this.#errorCounts, number);
    return number + 1;
  }

  #countTone(tone: Tone): number {
    const at = TONES.indexOf(tone);
    this.#toneCounts[at] = (this.#toneCounts[at] as number) + 1;
    return at + 1;
  }

  #countText(type: number, text: string): void {
    const texts = this.#frequent[type];
    if (texts === undefined) return;
    // A slice of a long text would keep all of it in memory; a new string does not.
    const key = text.length <= MOST_LENGTH ? text : ` ${text.slice(0, MOST_LENGTH)}`.slice(1);
    const count = texts.get(key);
    if (count === undefined && this.#frequentTexts === MOST_FREQUENT) {
      this.#frequentPartial = true;
      return;
    }
    if (count === undefined) this.#frequentTexts += 1;
    texts.set(key, (count ?? 0) + 1);
  }
}

function increase(column: Column<Uint32Array>, row: number): void {
  column.values[row] = column.at(row) + 1;
}
