import type { InputFile, InputFiles } from "./inputFiles";

/** How much of a job's input is read for searches and tables. */
export interface TextLimits {
  readonly bytes: number;
  readonly files: number;
}

/** An input of this size is read as soon as documents are shown. */
export const AT_ONCE: TextLimits = { bytes: 16_000_000, files: 300 };
/** The most that is read for a search or a table. */
export const ON_DEMAND: TextLimits = { bytes: 256_000_000, files: 20_000 };
const TOGETHER = 6;

/** The objects of an input in the order in which the job read them. */
export function inOrder(files: InputFiles): InputFile[] {
  const all = [...files.values()].flat();
  const encoder = new TextEncoder();
  // S3 orders keys by their bytes, which is not how JavaScript orders strings beyond the first plane.
  const bytes = new Map(all.map((file) => [file, encoder.encode(file.key)]));
  return all.sort((one, other) => compare(bytes.get(one) ?? NONE, bytes.get(other) ?? NONE));
}

const NONE = new Uint8Array(0);

function compare(one: Uint8Array, other: Uint8Array): number {
  const common = Math.min(one.length, other.length);
  for (let at = 0; at < common; at += 1) {
    const apart = (one[at] as number) - (other[at] as number);
    if (apart !== 0) return apart;
  }
  return one.length - other.length;
}

/** The first objects within the limits; the rest is not read. */
export function within(files: readonly InputFile[], limits: TextLimits): readonly InputFile[] {
  let bytes = 0;
  const end = files.findIndex((file, at) => {
    bytes += file.size;
    return at >= limits.files || bytes > limits.bytes;
  });
  return end < 0 ? files : files.slice(0, end);
}

/**
 * Read objects, several at a time, and pass them on in order.
 *
 * One that cannot be read is left out; searches find its documents only by their findings. ``take`` gets how
 * many have been read.
 */
export async function readTexts(
  files: readonly InputFile[],
  read: (file: InputFile) => Promise<Uint8Array>,
  take: (file: InputFile, bytes: Uint8Array | undefined, passed: number) => Promise<void>,
  signal: AbortSignal,
): Promise<readonly { readonly file: InputFile; readonly error: unknown }[]> {
  const failures: { file: InputFile; error: unknown }[] = [];
  const reading = new Map<number, Promise<Uint8Array | undefined>>();
  const begin = (at: number): void => {
    const file = files[at];
    if (file === undefined) return;
    const one = read(file).catch((error: unknown) => {
      if (!signal.aborted) failures.push({ file, error });
      return undefined;
    });
    reading.set(at, one);
  };
  for (let at = 0; at < TOGETHER; at += 1) begin(at);
  for (const [at, file] of files.entries()) {
    const bytes = await reading.get(at);
    reading.delete(at);
    if (signal.aborted) return failures;
    begin(at + TOGETHER);
    await take(file, bytes, at + 1);
  }
  return failures;
}
