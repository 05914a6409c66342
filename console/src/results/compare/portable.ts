import type { ResultReader } from "../reading/resultReader";
import { type Compared, comparedOf } from "./findings";
import type { CompareLimits } from "./limits";

/** A document of a result, reduced to what is compared. */
export interface PortableDocument {
  readonly file: string;
  readonly line: number | undefined;
  /** Which of the files of this name it belongs to, in the order of keys, from 0. */
  readonly run: number;
  readonly error: string | undefined;
  readonly findings: readonly Compared[];
}

/** A result, reduced to what is compared, so that the worker with the other result can have it. */
export interface Portable {
  readonly documents: readonly PortableDocument[];
  /** Whether the result has more documents than these. */
  readonly cut: boolean;
}

/** Reduce a result, in the order of the input, up to the limits. ``onProgress`` gets the share that is done. */
export async function portableOf(
  reader: ResultReader,
  limits: CompareLimits,
  onProgress: (share: number) => boolean = () => true,
): Promise<Portable> {
  const { index } = reader;
  const documents: PortableDocument[] = [];
  let findings = 0;
  let full = false;
  const most = Math.min(index.length, limits.documents);
  await reader.eachLine(
    Uint32Array.from({ length: most }, (_, at) => at),
    (text, number) => {
      const record = reader.parseText(text);
      const compared = comparedOf(reader.kind, record);
      findings += compared.length;
      full = findings > limits.findings;
      if (full) return false;
      documents.push({
        file: index.fileOf(number),
        line: index.lineOf(number),
        run: index.runOf(number),
        error: record.error?.code,
        findings: compared,
      });
      return number % 512 !== 0 || onProgress(number / Math.max(most, 1));
    },
  );
  return { documents, cut: documents.length < index.length };
}

/** What identifies a document in the results of two jobs over the same input. */
export function documentKey({ file, line, run }: PortableDocument): string {
  return `${file}\n${line ?? ""}\n${run}`;
}

/** A portable result as bytes, which can be handed to another worker without a copy. */
export function encode(portable: Portable): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(portable));
}

export function decode(bytes: Uint8Array): Portable {
  return JSON.parse(new TextDecoder().decode(bytes)) as Portable;
}
