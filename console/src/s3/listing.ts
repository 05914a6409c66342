import {
  type Bucket,
  DeleteObjectsCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { decodeListed } from "./keys";

/** An entry of a folder: an object, or a folder in it. */
export interface Entry {
  readonly key: string;
  readonly folder: boolean;
  readonly size: number | undefined;
  readonly changed: Date | undefined;
  readonly etag: string | undefined;
}

export interface EntryPage {
  readonly entries: readonly Entry[];
  readonly next: string | undefined;
}

/**
 * How many entries the first page of a folder has: a few screens, so that it is shown soon. S3's own pages have 1,000.
 */
const FIRST = 200;

/** A page of a folder, as S3 returns it, in the order of the keys. */
export async function listFolder(
  s3: S3Client,
  Bucket: string,
  Prefix: string,
  token: string | undefined,
  abortSignal: AbortSignal,
): Promise<EntryPage> {
  const answer = await s3.send(
    new ListObjectsV2Command({
      Bucket,
      Prefix,
      Delimiter: "/",
      EncodingType: "url",
      ...(token === undefined ? { MaxKeys: FIRST } : { ContinuationToken: token }),
    }),
    { abortSignal },
  );
  const folders = (answer.CommonPrefixes ?? []).map((each) => ({
    key: decodeListed(each.Prefix),
    folder: true,
    size: undefined,
    changed: undefined,
    etag: undefined,
  }));
  const objects = (answer.Contents ?? []).map((each) => ({
    key: decodeListed(each.Key),
    folder: false,
    size: each.Size,
    changed: each.LastModified,
    etag: each.ETag,
  }));
  return { entries: [...folders, ...objects], next: answer.IsTruncated ? answer.NextContinuationToken : undefined };
}

export async function listBuckets(s3: S3Client): Promise<Bucket[]> {
  const buckets: Bucket[] = [];
  let token: string | undefined;
  do {
    const answer = await s3.send(new ListBucketsCommand({ MaxBuckets: 1000, ContinuationToken: token }));
    buckets.push(...(answer.Buckets ?? []));
    token = answer.ContinuationToken;
  } while (token !== undefined);
  return buckets;
}

/** Some objects could not be deleted. */
export class DeletionError extends Error {
  constructor(readonly failed: readonly { readonly key: string; readonly code: string }[]) {
    const [first] = failed;
    super(`${failed.length} objects were not deleted, the first is ${first?.key}`);
    this.name = first?.code ?? "InternalError";
  }
}

/** Delete objects, a thousand at a time. Throws ``DeletionError`` if some could not be deleted. */
export async function deleteKeys(s3: S3Client, Bucket: string, keys: readonly string[]): Promise<void> {
  const failed: { key: string; code: string }[] = [];
  for (let start = 0; start < keys.length; start += 1000) {
    const Objects = keys.slice(start, start + 1000).map((Key) => ({ Key }));
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    failed.push(...(answer.Errors ?? []).map(({ Key = "", Code = "" }) => ({ key: Key, code: Code })));
  }
  if (failed.length > 0) throw new DeletionError(failed);
}

/** Delete every object whose key begins with a prefix; reports the number after each thousand. */
export async function deletePrefix(
  s3: S3Client,
  Bucket: string,
  Prefix: string,
  onProgress: (deleted: number) => void,
): Promise<number> {
  let deleted = 0;
  for (;;) {
    // Always the first page: its objects are deleted when the next one is requested.
    const answer = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, EncodingType: "url" }));
    const keys = (answer.Contents ?? []).map((each) => decodeListed(each.Key));
    if (keys.length === 0) return deleted;
    await deleteKeys(s3, Bucket, keys);
    deleted += keys.length;
    onProgress(deleted);
  }
}

/** The number of objects below a prefix, counted up to a bound. */
export async function countPrefix(
  s3: S3Client,
  Bucket: string,
  Prefix: string,
  most: number,
): Promise<{ count: number; more: boolean }> {
  let count = 0;
  let token: string | undefined;
  do {
    const answer = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix, EncodingType: "url", ContinuationToken: token }),
    );
    count += answer.KeyCount ?? 0;
    token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
  } while (token !== undefined && count < most);
  return { count, more: token !== undefined };
}
