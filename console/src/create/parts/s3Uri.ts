/** A location in S3. */
export interface S3Place {
  readonly bucket: string;
  /** A key or the beginning of keys; empty for the whole bucket. */
  readonly key: string;
}

const URI = /^s3:\/\/([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(?:\/([\s\S]*))?$/;
const URI_LENGTH = 1024;
const KEY_BYTES = 1024;

/** Parse an S3 URI; undefined if it is not one. */
export function parseS3Uri(uri: string): S3Place | undefined {
  const match = URI.exec(uri);
  if (match === null || match[1] === undefined) return undefined;
  return { bucket: match[1], key: match[2] ?? "" };
}

/** The buckets of locations, without duplicates. Text that is not a location is ignored. */
export function bucketsOf(uris: readonly string[]): string[] {
  return [...new Set(uris.flatMap((uri) => parseS3Uri(uri)?.bucket ?? []))];
}

/** What is wrong with an S3 URI, as a sentence that says what to do; undefined if it is valid. */
export function s3UriProblem(uri: string): string | undefined {
  if (uri === "") return "Enter a location, such as s3://my-bucket/documents/.";
  if (uri !== uri.trim()) return "Remove the space at the beginning or the end.";
  if (!uri.startsWith("s3://")) return "Begin the location with s3://.";
  const place = parseS3Uri(uri);
  if (place === undefined) {
    return "Use a bucket's name of 3 to 63 lowercase letters, digits, dots and hyphens after s3://.";
  }
  if (uri.length > URI_LENGTH) return `Shorten the location: it has ${uri.length} characters of ${URI_LENGTH}.`;
  const bytes = new TextEncoder().encode(place.key).length;
  if (bytes > KEY_BYTES) return `Shorten the key: it has ${bytes} bytes of ${KEY_BYTES}.`;
  return undefined;
}
