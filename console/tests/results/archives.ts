import { gzipSync } from "node:zlib";

interface File {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** The type flag of the header; "0" is a file. */
  readonly type?: string;
}

/** One tar header with its content, padded to blocks. */
export function tarFile({ name, content, type = "0" }: File): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, "utf8");
  header.write("0000644\0", 100);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write(type, 156);
  header.write("ustar  \0", 257);
  header.write(" ".repeat(8), 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** An archive as a job writes it: each header and each content a gzip member of its own. */
export function archiveOf(...files: File[]): Buffer {
  const members = files.flatMap((file) => {
    const whole = tarFile(file);
    return [gzipSync(whole.subarray(0, 512), { level: 0 }), gzipSync(whole.subarray(512))];
  });
  return Buffer.concat([...members, gzipSync(Buffer.alloc(1024))]);
}

/** The same bytes in parts of this length, as from a network. */
export function* inParts(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield new Uint8Array(bytes.subarray(at, at + length));
}

export const lines = (...records: unknown[]): string =>
  records.map((record) => `${typeof record === "string" ? record : JSON.stringify(record)}\n`).join("");
