import { CreateBucketCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

/** A document to put into a new bucket. */
export interface NewDocument {
  readonly name: string;
  readonly body: Blob | string;
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

/** Create a bucket, upload the documents one by one, and return where a job reads and writes. */
export async function makeBucket(
  client: S3Client,
  bucket: string,
  documents: readonly NewDocument[],
  onProgress: (done: number) => void,
): Promise<NewLocations> {
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const [index, { name, body }] of documents.entries()) {
    onProgress(index);
    const Body = typeof body === "string" ? body : new Uint8Array(await body.arrayBuffer());
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: INPUT + name, Body, ContentType: "text/plain; charset=utf-8" }),
    );
  }
  return { input: `s3://${bucket}/${INPUT}`, output: `s3://${bucket}/${OUTPUT}` };
}
