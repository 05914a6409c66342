/** Keys of objects are any text at all; what is shown and what becomes a file name is made harmless here. */

export interface Folder {
  readonly name: string;
  readonly prefix: string;
}

// Characters that draw nothing, or turn the direction of what follows: shown by their number instead.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A key as it is shown: what cannot be seen is written out, so that two keys that look alike can be told apart. */
export function shownKey(key: string): string {
  return key.replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The part of a key behind a prefix, as it is shown; a folder without a name says so. */
export function shownName(key: string, prefix: string): string {
  const name = key.slice(prefix.length);
  if (name === "") return "(the folder itself)";
  if (name === "/") return "(no name)/";
  return shownKey(name);
}

/** The folders that a prefix goes through; those between two slashes have no name and are kept. */
export function foldersOf(prefix: string): Folder[] {
  const folders: Folder[] = [];
  let start = 0;
  for (let slash = prefix.indexOf("/"); slash >= 0; slash = prefix.indexOf("/", start)) {
    folders.push({ name: shownKey(prefix.slice(start, slash)) || "(no name)", prefix: prefix.slice(0, slash + 1) });
    start = slash + 1;
  }
  return folders;
}

/** The prefix above a key or a prefix. */
export function parentOf(key: string): string {
  const trimmed = key.endsWith("/") ? key.slice(0, -1) : key;
  return trimmed.slice(0, trimmed.lastIndexOf("/") + 1);
}

/**
 * Why a browser cannot ask for an object, or nothing if it can.
 *
 * Browsers take "." and ".." between slashes out of every address before they send it.
 */
export function unreachable(key: string): string | undefined {
  if (!key.split("/").some((part) => part === "." || part === "..")) return undefined;
  return 'Browsers cannot ask for a key with "." or ".." between slashes. Use the AWS CLI: aws s3api get-object, or copy-object to another key.';
}

/** The name that a downloaded file gets: the last part of the key, without what file systems or eyes trip over. */
export function fileName(key: string): string {
  const last = key.split("/").findLast((part) => part !== "") ?? "";
  const plain = last
    .normalize("NFC")
    .replace(UNSEEN, "")
    .replace(/[\\:*?"<>|]/g, "_")
    .replace(/^\.+/, "_")
    .slice(0, 200)
    .trim();
  return plain === "" ? "object" : plain;
}

export function s3Uri(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}

/** What is wrong with the name of a new folder, or nothing; an empty one is not wrong yet. */
export function folderProblem(name: string): string | undefined {
  if (name.includes("/")) return "No slashes: make one folder after the other.";
  if (name === "." || name === "..") return 'Not "." or "..": browsers cannot ask for it.';
  return keyProblem(name);
}

export function keyProblem(key: string): string | undefined {
  return new TextEncoder().encode(key).length > 1024 ? "Keys have at most 1,024 bytes." : undefined;
}

/** What is wrong with a bucket's name, by S3's rules, or nothing; an empty one is not wrong yet. */
export function bucketProblem(name: string): string | undefined {
  if (name === "") return undefined;
  if (name.length < 3 || name.length > 63) return "3 to 63 characters.";
  if (!/^[a-z0-9.-]+$/.test(name)) return "Small letters, digits, dots and hyphens only.";
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return "It begins and ends with a letter or digit.";
  if (name.includes("..")) return "No two dots beside each other.";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return "Not in the form of an IP address.";
  return undefined;
}

/** A text of a listing that was asked for with the encoding "url", in which keys can have any character. */
export function decodeListed(text: string | undefined): string {
  if (text === undefined) return "";
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // Not encoded after all.
    return text;
  }
}

export function bucketHref(bucket: string, where: { prefix?: string; key?: string } = {}): string {
  const parameters = new URLSearchParams();
  if (where.prefix) parameters.set("prefix", where.prefix);
  if (where.key !== undefined) parameters.set("key", where.key);
  const query = parameters.toString();
  return `/s3/${encodeURIComponent(bucket)}${query === "" ? "" : `?${query}`}`;
}
