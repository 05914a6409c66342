/** A place in storage, taken apart from an S3 URI. */
export interface StoragePlace {
  readonly bucket: string;
  readonly key: string;
}

const URI = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s;

/** Take an S3 URI apart; nothing for what is none. */
export function storagePlace(uri: string | undefined): StoragePlace | undefined {
  const found = uri === undefined ? null : URI.exec(uri);
  return found?.[1] === undefined ? undefined : { bucket: found[1], key: found[2] ?? "" };
}

/** The console's page of the folder that an object, or a prefix, is in. */
export function storagePath({ bucket, key }: StoragePlace): string {
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const query = folder === "" ? "" : `?prefix=${encodeURIComponent(folder)}`;
  return `/s3/${encodeURIComponent(bucket)}${query}`;
}

const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/(?:[^/]+\/)*([\w+=,.@-]+)$/;

/** The console's page of a role. */
export function rolePath(arn: string | undefined): string | undefined {
  const name = arn === undefined ? undefined : ROLE.exec(arn)?.[1];
  return name === undefined ? undefined : `/access/roles/${encodeURIComponent(name)}`;
}

/** The console's page of a custom model. */
export function modelPath(arn: string): string {
  return `/models/view?arn=${encodeURIComponent(arn)}`;
}
