const PART = 1024 * 1024;

/** Builds a large text file from blobs, piece by piece, so that it is never completely in memory. */
export class BlobText {
  readonly #type: string;
  readonly #parts: Blob[] = [];
  #open: string[] = [];
  #length = 0;

  constructor(type: string) {
    this.#type = type;
  }

  add(text: string): void {
    this.#open.push(text);
    this.#length += text.length;
    if (this.#length >= PART) this.#close();
  }

  finish(): Blob {
    this.#close();
    return new Blob(this.#parts, { type: this.#type });
  }

  #close(): void {
    if (this.#open.length > 0) this.#parts.push(new Blob(this.#open));
    this.#open = [];
    this.#length = 0;
  }
}
