const LF = 10;
const CR = 13;

/** The position of a line in a file; ``end`` excludes the line break. */
export interface LinePlace {
  readonly begin: number;
  readonly end: number;
}

export type ReadBytes = (begin: number, end: number) => Promise<Uint8Array>;

const PART = 1024 * 1024;
const MARK_EVERY = 256;

/**
 * Finds lines of a large file by number, reading only parts of it.
 *
 * Lines end at LF, CR or CRLF, as jobs split them. It remembers where some lines begin, so that the search for a
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

  /** The position of a line, counted from 0; undefined if the file has fewer. ``onProgress`` gets the bytes read. */
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
          // The second half of a CRLF: the line that it ends has been counted, and the next begins after it.
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
