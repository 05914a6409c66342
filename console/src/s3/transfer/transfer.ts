import { GetObjectCommand, PutObjectCommand, type S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { saveAs } from "../../components/saveAs";
import { fileName } from "../keys";
import type { FoundFile } from "./chosen";
import { addTransfer, type Progress } from "./store";

/** The size of the parts of a large upload. S3 accepts at most 10,000 parts. */
const PART_BYTES = 8 * 1024 * 1024;
/** Chunks of a download are combined up to this size, so that the browser can move them to disk. */
const BLOB_BYTES = 32 * 1024 * 1024;

export interface ChosenFile {
  readonly file: File;
  readonly key: string;
  /** Whether it is text, where its name says no format. */
  readonly text?: boolean;
}

/** The key of each chosen file. Files of a folder keep their path. */
export function keysFor(files: readonly FoundFile[], prefix: string): ChosenFile[] {
  return files.map(({ path, ...each }) => ({ ...each, key: prefix + path }));
}

export function partBytes(size: number): number {
  return Math.max(PART_BYTES, Math.ceil(size / 10_000));
}

/** Upload a file, with its progress on the page. Without ``replace``, it fails if the object already exists. */
export function upload(s3: S3Client, bucket: string, chosen: ChosenFile, replace: boolean, onDone: () => void): void {
  const { file, key } = chosen;
  addTransfer(
    { kind: "upload", bucket, key, size: file.size },
    (progress, signal) => send(s3, bucket, chosen, replace, progress, signal),
    onDone,
  );
}

/** Send a file as an object, in parts if it is large. An aborted upload leaves nothing behind. */
export async function send(
  s3: S3Client,
  bucket: string,
  { file, key }: ChosenFile,
  replace: boolean,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const sending = new Upload({
    client: cutBy(signal, s3),
    params: {
      Bucket: bucket,
      Key: key,
      Body: file,
      ContentType: file.type || "application/octet-stream",
      ...(!replace && { IfNoneMatch: "*" }),
    },
    partSize: partBytes(file.size),
    queueSize: 2,
  });
  sending.on("httpUploadProgress", ({ loaded = 0 }) => progress(loaded));
  const stop = (): void => void sending.abort();
  signal.addEventListener("abort", stop);
  try {
    if (signal.aborted) await sending.abort();
    await sending.done();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * The same client, but its requests with a body are aborted by the signal.
 *
 * An aborted Upload starts no more requests, but running ones would finish and create an object after "Cancelled".
 */
function cutBy(signal: AbortSignal, s3: S3Client): S3Client {
  const sendCut = ((command: Parameters<S3Client["send"]>[0]) => {
    const carries = command instanceof PutObjectCommand || command instanceof UploadPartCommand;
    return s3.send(command, carries ? { abortSignal: signal } : {});
  }) as S3Client["send"];
  return Object.assign(Object.create(s3) as S3Client, { send: sendCut });
}

/** Download an object as a file. */
export function download(s3: S3Client, bucket: string, key: string, size: number): void {
  addTransfer({ kind: "download", bucket, key, size }, async (progress, signal) => {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
    if (answer.Body === undefined) throw new Error("the object came without a body");
    const blob = await gather(answer.Body.transformToWebStream(), progress, signal);
    saveAs(blob, fileName(key));
  });
}

async function gather(stream: ReadableStream, progress: Progress, signal: AbortSignal): Promise<Blob> {
  const reader = stream.getReader();
  const blobs: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let held = 0;
  let moved = 0;
  for (;;) {
    signal.throwIfAborted();
    const { done, value } = (await reader.read()) as ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
    if (done) break;
    chunks.push(value);
    held += value.length;
    moved += value.length;
    progress(moved);
    if (held >= BLOB_BYTES) {
      blobs.push(new Blob(chunks));
      chunks = [];
      held = 0;
    }
  }
  // Whatever the object's declared type, the file is bytes, so that it is never opened under this page's origin.
  return new Blob([...blobs, ...chunks], { type: "application/octet-stream" });
}
