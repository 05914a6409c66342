import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { ArchiveError } from "./errors";

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

export interface ObjectFacts extends ObjectPlace {
  readonly size: number;
  readonly etag?: string | undefined;
  readonly modified?: Date | undefined;
}

const PART = 4 * 1024 * 1024;

/** The bucket and the key of "s3://bucket/key"; undefined for anything else. */
export function parseS3Uri(uri: string | undefined): ObjectPlace | undefined {
  const found = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri ?? "");
  return found ? { bucket: found[1] as string, key: found[2] as string } : undefined;
}

export async function headObject(s3: S3Client, place: ObjectPlace, signal?: AbortSignal): Promise<ObjectFacts> {
  const head = await s3.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }), {
    ...(signal && { abortSignal: signal }),
  });
  return { ...place, size: head.ContentLength ?? 0, etag: head.ETag, modified: head.LastModified };
}

/** Every object below a prefix, in the order of keys. */
export async function listFolder(s3: S3Client, place: ObjectPlace, signal?: AbortSignal): Promise<ObjectFacts[]> {
  const found: ObjectFacts[] = [];
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: place.bucket,
        Prefix: place.key,
        ...(token !== undefined && { ContinuationToken: token }),
      }),
      { ...(signal && { abortSignal: signal }) },
    );
    for (const { Key: key = "", Size: size = 0, ETag: etag, LastModified: modified } of page.Contents ?? []) {
      found.push({ bucket: place.bucket, key, size, etag, modified });
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return found;
}

/** Read bytes of an object, ``end`` excluded. Throws if the object is not the one that ``facts`` describe. */
export async function readRange(
  s3: S3Client,
  facts: ObjectFacts,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const answer = await s3.send(
    new GetObjectCommand({
      Bucket: facts.bucket,
      Key: facts.key,
      Range: `bytes=${begin}-${end - 1}`,
      ...(facts.etag !== undefined && { IfMatch: facts.etag }),
    }),
    { ...(signal && { abortSignal: signal }) },
  );
  const bytes = await answer.Body?.transformToByteArray();
  if (bytes === undefined || bytes.length !== end - begin) {
    throw new ArchiveError(
      `s3://${facts.bucket}/${facts.key} gave ${bytes?.length ?? 0} bytes instead of the requested ${end - begin}. Try again.`,
    );
  }
  return bytes;
}

/** Yield a whole object in parts; the next part is requested while one is processed. */
export async function* readParts(
  s3: S3Client,
  facts: ObjectFacts,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const part = (begin: number): Promise<Uint8Array> | undefined => {
    if (begin >= facts.size) return undefined;
    const reading = readRange(s3, facts, begin, Math.min(begin + PART, facts.size), signal);
    // A caller that stops early needs neither the pending part nor its error.
    reading.catch(() => undefined);
    return reading;
  };
  let next = part(0);
  for (let begin = PART; next !== undefined; begin += PART) {
    const bytes = await next;
    next = part(begin);
    yield bytes;
  }
}
