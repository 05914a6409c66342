const LF = 10;
const CR = 13;

/** Where a line is in a file; ``end`` is where its bytes end, without the line end. */
export interface LinePlace {
  readonly begin: number;
  readonly end: number;
}

export type ReadBytes = (begin: number, end: number) => Promise<Uint8Array>;

const PART = 1024 * 1024;
const MARK_EVERY = 256;

/**
 * Finds lines of a large file by number, reading parts of it and never the whole.
 *
 * Lines end at LF, CR or CRLF, as jobs split them. It remembers where every so many lines begin, so that a look at a
 * later line begins there and not at the start.
 */
export class LineScanner {
  readonly #size: number;
  readonly #read: ReadBytes;
  /** ``#marks[n]`` is where line ``n * MARK_EVERY`` begins. */
  readonly #marks: number[] = [0];

  constructor(size: number, read: ReadBytes) {
    this.#size = size;
    this.#read = read;
  }

  /** The place of a line, counted from 0; undefined when the file has fewer. ``onProgress`` gets the bytes passed. */
  async find(line: number, onProgress: (byte: number) => void = () => undefined): Promise<LinePlace | undefined> {
    const mark = Math.min(Math.floor(line / MARK_EVERY), this.#marks.length - 1);
    let number = mark * MARK_EVERY;
    let begin = this.#marks[mark] as number;
    let afterCr = false;
    for (let from = begin; from < this.#size; from += PART) {
      const bytes = await this.#read(from, Math.min(from + PART, this.#size));
      onProgress(from + bytes.length);
      for (let at = 0; at < bytes.length; at += 1) {
        const byte = bytes[at];
        if (byte === LF && afterCr) {
          // The second half of a CRLF: the line that it ends has been counted, the next begins behind it.
          afterCr = false;
          begin = from + at + 1;
          this.#mark(number, begin);
          continue;
        }
        afterCr = byte === CR;
        if (byte !== LF && byte !== CR) continue;
        if (number === line) return { begin, end: from + at };
        number += 1;
        begin = from + at + 1;
        this.#mark(number, begin);
      }
    }
    return number === line && begin < this.#size ? { begin, end: this.#size } : undefined;
  }

  #mark(line: number, begin: number): void {
    if (line % MARK_EVERY === 0) this.#marks[line / MARK_EVERY] = begin;
  }
}
