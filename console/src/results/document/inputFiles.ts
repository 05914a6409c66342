import type { S3Client } from "@aws-sdk/client-s3";
import { listFolder, parseS3Uri } from "../archive/source";

/** The objects of a job's input, by the last segment of their keys, which is their name in results. */
export type InputFiles = ReadonlyMap<string, readonly InputFile[]>;

export interface InputFile {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag?: string | undefined;
  readonly modified?: Date | undefined;
}

/** List a job's input: every object whose key begins with the prefix, in the order of keys. */
export async function listInput(s3: S3Client, uri: string | undefined, signal?: AbortSignal): Promise<InputFiles> {
  const place = parseS3Uri(uri);
  const files = new Map<string, InputFile[]>();
  if (place === undefined) return files;
  for (const { bucket, key, size, etag, modified } of await listFolder(s3, place, signal)) {
    const name = key.split("/").at(-1) ?? "";
    const file = { bucket, key, size, etag, modified };
    const known = files.get(name);
    if (known === undefined) files.set(name, [file]);
    else known.push(file);
  }
  return files;
}

/** The objects that a record may belong to, the most likely first: several keys may have the same last segment. */
export function candidates(files: InputFiles, file: string, run: number): readonly InputFile[] {
  const named = files.get(file.split("/").at(-1) ?? "") ?? [];
  // A result that distinguishes "a/note.txt" from "b/note.txt" has more than the last segment of the key.
  const alike = file.includes("/") ? named.filter(({ key }) => key === file || key.endsWith(`/${file}`)) : named;
  const likely = alike[run];
  return likely === undefined ? alike : [likely, ...alike.filter((each) => each !== likely)];
}

/** The object that a document was extracted from, and whether the document is only a part of it: an attachment. */
export function sourceOf(
  files: InputFiles,
  file: string,
  run: number,
): { readonly file: InputFile; readonly part: boolean } | undefined {
  const [own] = candidates(files, file, run);
  if (own !== undefined) return { file: own, part: false };
  // "box.mbox/message-3/report.pdf" is in the object whose name some of its first segments are.
  for (let slash = file.lastIndexOf("/"); slash > 0; slash = file.lastIndexOf("/", slash - 1)) {
    const [whole] = candidates(files, file.slice(0, slash), 0);
    if (whole !== undefined) return { file: whole, part: true };
  }
  return undefined;
}
