import type { S3Client } from "@aws-sdk/client-s3";
import { ArchiveLimit } from "./errors";
import { GunzipStream } from "./gunzip";
import { headObject, type ObjectPlace, readParts } from "./source";
import { TarReader } from "./tar";

/** A file of an archive, completely in memory. */
export interface ArchiveMember {
  readonly name: string;
  readonly size: number;
  readonly text: () => string;
}

interface Options {
  readonly signal?: AbortSignal;
  /** The most bytes of content; an archive with more is refused. */
  readonly most?: number;
}

const MOST = 64 * 1024 * 1024;

/**
 * Read a small ``output.tar.gz`` completely, such as the report of a training. A worker reads the results of analyses.
 */
export async function readArchive(s3: S3Client, place: ObjectPlace, options: Options = {}): Promise<ArchiveMember[]> {
  const { signal, most = MOST } = options;
  const facts = await headObject(s3, place, signal);
  const collector = new MemberCollector(most);
  for await (const part of readParts(s3, facts, signal)) collector.push(part);
  return collector.finish();
}

/** Collects the files of an archive that arrives in parts. */
export class MemberCollector {
  readonly #most: number;
  readonly #members: ArchiveMember[] = [];
  readonly #tar: TarReader;
  readonly #gunzip: GunzipStream;
  #parts: Uint8Array[] = [];
  #kept = 0;

  constructor(most = MOST) {
    this.#most = most;
    this.#tar = new TarReader({
      onMember: () => {
        this.#parts = [];
      },
      onBytes: (bytes) => this.#keep(bytes),
      onMemberEnd: ({ name, size }) => {
        const parts = this.#parts;
        this.#members.push({ name, size, text: () => decodeParts(parts) });
      },
    });
    this.#gunzip = new GunzipStream((bytes) => this.#tar.push(bytes));
  }

  push(part: Uint8Array): void {
    this.#gunzip.push(part);
  }

  finish(): ArchiveMember[] {
    this.#gunzip.finish();
    this.#tar.finish();
    return this.#members;
  }

  #keep(bytes: Uint8Array): void {
    this.#kept += bytes.length;
    if (this.#kept > this.#most) {
      throw new ArchiveLimit(
        `The archive has more than ${this.#most.toLocaleString("en")} bytes of content. Download it instead.`,
      );
    }
    this.#parts.push(bytes.slice());
  }
}

function decodeParts(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
}
