const LF = 10;

/** A line above the limit, whose content is not kept. */
export const TOO_LONG = Symbol("too long");

export type OnLine = (line: Uint8Array | typeof TOO_LONG, begin: number, end: number) => void;

/** Cuts bytes into lines at LF, across the parts in which they arrive; the last line may have no LF. */
export class LineCutter {
  readonly #longest: number;
  readonly #onLine: OnLine;
  #carried: Uint8Array[] = [];
  #carriedLength = 0;
  #position = 0;
  #begin = 0;

  /** ``position`` is the offset of the first byte; each line is returned with its beginning and end. */
  constructor(longest: number, position: number, onLine: OnLine) {
    this.#longest = longest;
    this.#onLine = onLine;
    this.#position = position;
    this.#begin = position;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const found = bytes.indexOf(LF, at);
      const end = found < 0 ? bytes.length : found;
      const piece = bytes.subarray(at, end);
      if (found < 0) this.#carry(piece);
      else this.#line(piece, this.#position + end);
      at = end + 1;
      if (found >= 0) this.#begin = this.#position + at;
    }
    this.#position += bytes.length;
  }

  finish(): void {
    if (this.#position > this.#begin) this.#line(new Uint8Array(0), this.#position);
    this.#begin = this.#position;
  }

  #carry(piece: Uint8Array): void {
    this.#carriedLength += piece.length;
    if (this.#carriedLength > this.#longest) this.#carried = [];
    else this.#carried.push(piece.slice());
  }

  #line(piece: Uint8Array, end: number): void {
    const length = this.#carriedLength + piece.length;
    if (length > this.#longest) this.#onLine(TOO_LONG, this.#begin, end);
    else if (this.#carriedLength === 0) this.#onLine(piece, this.#begin, end);
    else {
      const whole = new Uint8Array(length);
      let at = 0;
      for (const each of [...this.#carried, piece]) {
        whole.set(each, at);
        at += each.length;
      }
      this.#onLine(whole, this.#begin, end);
    }
    this.#carried = [];
    this.#carriedLength = 0;
  }
}
