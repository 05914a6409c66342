import { parseS3Uri, type S3Place } from "../create/parts/s3Uri";

/** Parse an S3 URI; undefined if it is not one. */
export function storagePlace(uri: string | undefined): S3Place | undefined {
  return uri === undefined ? undefined : parseS3Uri(uri);
}

/** The console's page of the folder of an object or a prefix. */
export function storagePath({ bucket, key }: S3Place): string {
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const query = folder === "" ? "" : `?prefix=${encodeURIComponent(folder)}`;
  return `/s3/${encodeURIComponent(bucket)}${query}`;
}
