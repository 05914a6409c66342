const PIECE = 4 * 1024 * 1024;

/**
 * The archive's content as blobs: browsers put large ones on disk, so a gigabyte does not fill the memory.
 *
 * They are deleted with the page; no copy is left behind.
 */
export class TextStore {
  readonly #pieces: Blob[] = [];
  #open = new Uint8Array(PIECE);
  #filled = 0;
  length = 0;

  append(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const taken = Math.min(PIECE - this.#filled, bytes.length - at);
      this.#open.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === PIECE) {
        this.#pieces.push(new Blob([this.#open]));
        this.#open = new Uint8Array(PIECE);
        this.#filled = 0;
      }
    }
    this.length += bytes.length;
  }

  /** A part of the content, ``end`` excluded, without reading it. */
  slice(begin: number, end: number): Blob {
    const parts: BlobPart[] = [];
    for (let piece = Math.floor(begin / PIECE); piece * PIECE < Math.min(end, this.length); piece += 1) {
      const from = Math.max(begin - piece * PIECE, 0);
      const to = Math.min(end - piece * PIECE, PIECE);
      const closed = this.#pieces[piece];
      parts.push(closed ? closed.slice(from, to) : this.#open.slice(from, Math.min(to, this.#filled)));
    }
    return new Blob(parts);
  }

  async read(begin: number, end: number): Promise<Uint8Array> {
    return new Uint8Array(await this.slice(begin, end).arrayBuffer());
  }
}
