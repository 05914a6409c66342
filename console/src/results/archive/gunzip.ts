import { Gunzip } from "fflate";
import { crc32 } from "./crc32";
import { ArchiveError } from "./errors";

// The output of a push may be a thousand times as large; small pushes keep it within a few megabytes.
const PUSH = 16 * 1024;
const TRAILER = 8;

/**
 * Decompress gzip as it arrives, member after member, and check each member's CRC-32 and length.
 *
 * The archives of results are several gzip members in a row. The browser's DecompressionStream refuses what follows
 * the first one, and the inflater that is used here does not check the CRC, so that is done here.
 */
export class GunzipStream {
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #inflater: Gunzip;
  #window: Uint8Array = new Uint8Array(0);
  #received = 0;
  #crc = 0;
  #size = 0;

  constructor(onBytes: (bytes: Uint8Array) => void) {
    this.#onBytes = onBytes;
    this.#inflater = new Gunzip((bytes) => this.#inflated(bytes));
    this.#inflater.onmember = (offset) => this.#checkTrailer(offset);
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PUSH) this.#pushPart(bytes.subarray(at, at + PUSH));
  }

  /** End the input. Throws if the last member is incomplete. */
  finish(): void {
    if (this.#received === 0) throw new ArchiveError("The archive is empty: it has no bytes.");
    this.#guard(() => this.#inflater.push(new Uint8Array(0), true));
    this.#checkTrailer(this.#received);
  }

  #pushPart(part: Uint8Array): void {
    // Keep the part before: a member's trailer may be in it if the next member's header is in this one.
    const window = new Uint8Array(Math.min(this.#window.length, 2 * PUSH) + part.length);
    window.set(this.#window.subarray(-2 * PUSH));
    window.set(part, window.length - part.length);
    this.#window = window;
    this.#received += part.length;
    this.#guard(() => this.#inflater.push(part));
  }

  #inflated(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#crc = crc32(bytes, this.#crc);
    this.#size = (this.#size + bytes.length) >>> 0;
    this.#onBytes(bytes);
  }

  #checkTrailer(end: number): void {
    const at = end - TRAILER - (this.#received - this.#window.length);
    if (at < 0) throw new ArchiveError(`The archive is not gzip from byte ${end} on. Download and inspect it.`);
    const trailer = new DataView(this.#window.buffer, this.#window.byteOffset + at, TRAILER);
    if (trailer.getUint32(0, true) !== this.#crc || trailer.getUint32(4, true) !== this.#size) {
      throw new ArchiveError(
        `The archive is truncated or damaged: the checksum at byte ${end} is wrong. Copy it again, or run the job again.`,
      );
    }
    this.#crc = 0;
    this.#size = 0;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof Error && "code" in error && typeof error.code === "number") {
        throw new ArchiveError(
          `The archive is not gzip, or is damaged, near byte ${this.#received} (${error.message}). Run the job again, or download and inspect the file.`,
        );
      }
      throw error;
    }
  }
}
