import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { send } from "../s3/transfer/transfer";

/** A document to put into a new bucket. */
export interface NewDocument {
  /** Its path in the folder that was chosen. */
  readonly name: string;
  readonly body: File | string;
}

export interface NewLocations {
  readonly input: string;
  readonly output: string;
}

const INPUT = "documents/";
const OUTPUT = "results/";

/** What is wrong with the name of a bucket; undefined if it is valid. */
export function bucketNameProblem(name: string): string | undefined {
  if (name.length < 3 || name.length > 63) return "Use 3 to 63 characters.";
  if (!/^[a-z0-9][a-z0-9.-]*[a-z0-9]$/.test(name)) {
    return "Use lowercase letters, digits, dots and hyphens, with a letter or digit at both ends.";
  }
  if (name.includes("..")) return "Two dots must not be adjacent.";
  return /^[0-9]+(\.[0-9]+){3}$/.test(name) ? "It must not look like an IP address." : undefined;
}

/** A document that could not be uploaded, and why. */
export interface NotUploaded {
  readonly document: NewDocument;
  readonly error: unknown;
}

export interface Uploaded {
  readonly locations: NewLocations;
  readonly failed: readonly NotUploaded[];
}

const AT_ONCE = 3;

/** Create a bucket, upload the documents, three at once, and return where a job reads and writes. */
export async function makeBucket(
  client: S3Client,
  bucket: string,
  documents: readonly NewDocument[],
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const failed = await uploadDocuments(documents, (each) => put(client, bucket, each, signal), onProgress, signal);
  return { locations: { input: `s3://${bucket}/${INPUT}`, output: `s3://${bucket}/${OUTPUT}` }, failed };
}

/** Upload documents, three at once. One that fails does not keep the others from being uploaded. */
export async function uploadDocuments(
  documents: readonly NewDocument[],
  put: (document: NewDocument) => Promise<void>,
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<readonly NotUploaded[]> {
  const failed: NotUploaded[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < documents.length; at = next++) {
      const document = documents[at] as NewDocument;
      try {
        signal.throwIfAborted();
        await put(document);
      } catch (error) {
        signal.throwIfAborted();
        failed.push({ document, error });
      }
      done += 1;
      onProgress(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}

function put(client: S3Client, bucket: string, { name, body }: NewDocument, signal: AbortSignal): Promise<void> {
  const file = typeof body === "string" ? new File([body], name, { type: "text/plain; charset=utf-8" }) : body;
  return send(client, bucket, { file, key: INPUT + name }, true, () => undefined, signal);
}
