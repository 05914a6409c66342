import { ArchiveError, ArchiveLimit } from "./errors";

const BLOCK = 512;
const LONGEST_NAME = 4096;
const MOST_MEMBERS = 200_000;

export interface TarMember {
  readonly name: string;
  readonly size: number;
}

export interface TarHandler {
  readonly onMember: (member: TarMember) => void;
  /** The bytes of the last member. */
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onMemberEnd: (member: TarMember) => void;
}

type Body = "member" | "long-name" | "pax" | "skipped";

/** Read a tar archive as it arrives: files only; links, folders and devices are skipped and counted. */
export class TarReader {
  readonly #handler: TarHandler;
  readonly #header = new Uint8Array(BLOCK);
  readonly #decoder = new TextDecoder();
  #filled = 0;
  #left = 0;
  #padding = 0;
  #body: Body = "skipped";
  #member: TarMember | undefined;
  #extra: Uint8Array[] = [];
  #longName: string | undefined;
  #ended = false;
  #members = 0;
  #position = 0;
  skipped = 0;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.#ended) {
      const rest = bytes.length - at;
      if (this.#left > 0) {
        const taken = Math.min(this.#left, rest);
        this.#take(bytes.subarray(at, at + taken));
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#endBody();
      } else if (this.#padding > 0) {
        const taken = Math.min(this.#padding, rest);
        this.#padding -= taken;
        at += taken;
      } else {
        const taken = Math.min(BLOCK - this.#filled, rest);
        this.#header.set(bytes.subarray(at, at + taken), this.#filled);
        this.#filled += taken;
        at += taken;
        if (this.#filled === BLOCK) this.#readHeader();
      }
    }
    this.#position += bytes.length;
  }

  /** End the input. Throws if a member is incomplete. */
  finish(): void {
    if (this.#left > 0 || this.#filled > 0) {
      throw new ArchiveError("The archive is truncated: it ends in the middle of a file. Run the job again.");
    }
    if (this.#members === 0) throw new ArchiveError("The archive contains no file. Run the job again.");
  }

  #readHeader(): void {
    this.#filled = 0;
    const header = this.#header;
    if (header.every((byte) => byte === 0)) {
      this.#ended = true;
      return;
    }
    let sum = 0;
    for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 32 : (header[at] as number);
    if (sum !== Number.parseInt(this.#text(148, 8).trim(), 8)) {
      throw new ArchiveError(
        `The archive is not tar, or is damaged, near byte ${this.#position} of its content. Run the job again, or download and inspect the file.`,
      );
    }
    const size = this.#number(124, 12);
    const type = String.fromCharCode(header[156] as number);
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.#extra = [];
    if (type === "L" || type === "x") {
      if (size > 16 * LONGEST_NAME) throw new ArchiveError(`A file name in the archive has ${size} bytes.`);
      this.#body = type === "L" ? "long-name" : "pax";
    } else if (type === "0" || type === "\0") {
      this.#beginMember(size);
    } else {
      this.#body = "skipped";
      this.#longName = undefined;
      this.skipped += 1;
    }
    if (size === 0) this.#endBody();
  }

  #beginMember(size: number): void {
    this.#members += 1;
    if (this.#members > MOST_MEMBERS) {
      throw new ArchiveLimit(`The archive has more than ${MOST_MEMBERS} files. Download it to read the rest.`);
    }
    const prefix = this.#isUstar() ? this.#text(345, 155) : "";
    const short = this.#text(0, 100);
    const name = (this.#longName ?? (prefix === "" ? short : `${prefix}/${short}`)).slice(0, LONGEST_NAME);
    this.#longName = undefined;
    this.#body = "member";
    this.#member = { name, size };
    this.#handler.onMember(this.#member);
  }

  #take(bytes: Uint8Array): void {
    if (this.#body === "member") this.#handler.onBytes(bytes);
    else if (this.#body !== "skipped") this.#extra.push(bytes.slice());
  }

  #endBody(): void {
    if (this.#body === "member" && this.#member !== undefined) this.#handler.onMemberEnd(this.#member);
    if (this.#body === "long-name") this.#longName = this.#extraText().replace(/\0.*$/s, "");
    if (this.#body === "pax") this.#longName = paxPath(this.#extraText()) ?? this.#longName;
    this.#body = "skipped";
    this.#member = undefined;
    this.#extra = [];
  }

  #extraText(): string {
    return this.#extra.map((each) => this.#decoder.decode(each, { stream: true })).join("") + this.#decoder.decode();
  }

  #isUstar(): boolean {
    // GNU's own format has other fields where ustar has the prefix: "ustar" is followed by a space there.
    return this.#text(257, 6) === "ustar" && this.#header[262] === 0;
  }

  #text(from: number, length: number): string {
    const field = this.#header.subarray(from, from + length);
    const end = field.indexOf(0);
    return this.#decoder.decode(end < 0 ? field : field.subarray(0, end));
  }

  #number(from: number, length: number): number {
    const first = this.#header[from] as number;
    if (first & 0x80) {
      let value = first & 0x7f;
      for (let at = from + 1; at < from + length; at += 1) value = value * 256 + (this.#header[at] as number);
      if (!Number.isSafeInteger(value)) throw new ArchiveError("The archive gives an impossible size for a file.");
      return value;
    }
    const text = this.#text(from, length).trim();
    if (!/^[0-7]*$/.test(text)) throw new ArchiveError("The archive gives a size that is not a number.");
    return text === "" ? 0 : Number.parseInt(text, 8);
  }
}

/** The path in the records of a pax header: "LENGTH path=NAME\n". */
function paxPath(records: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records)?.[1];
}
