/** Keys of objects can be any text. This module makes them safe to show and to use as file names. */

export interface Folder {
  readonly name: string;
  readonly prefix: string;
}

// Characters that are invisible or change the direction of text are shown by their numbers.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A key to show: invisible characters are written out, so that keys that look alike can be distinguished. */
export function shownKey(key: string): string {
  return key.replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The part of a key after a prefix, to show; a folder without a name is shown as such. */
export function shownName(key: string, prefix: string): string {
  const name = key.slice(prefix.length);
  if (name === "") return "(the folder itself)";
  if (name === "/") return "(no name)/";
  return shownKey(name);
}

/** The folders of a prefix; those between two adjacent slashes have no name, but are kept. */
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
 * Why a browser cannot request an object; undefined if it can.
 *
 * Browsers remove "." and ".." between slashes from every address before they send it.
 */
export function unreachable(key: string): string | undefined {
  if (!key.split("/").some((part) => part === "." || part === "..")) return undefined;
  return 'Browsers cannot request a key with "." or ".." between slashes. Use the AWS CLI: aws s3api get-object, or copy-object to another key.';
}

/**
 * The name of a downloaded file: the last part of the key, without characters that are invisible or that file systems
 * refuse.
 */
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

/** What is wrong with the name of a new folder, or undefined. An empty name is not wrong yet. */
export function folderProblem(name: string): string | undefined {
  if (name.includes("/")) return "Do not use slashes: create one folder after the other.";
  if (name === "." || name === "..") return 'Do not use "." or "..": browsers cannot request it.';
  return keyProblem(name);
}

export function keyProblem(key: string): string | undefined {
  return new TextEncoder().encode(key).length > 1024 ? "Keys have at most 1,024 bytes." : undefined;
}

/** What is wrong with a bucket's name, by S3's rules, or undefined. An empty name is not wrong yet. */
export function bucketProblem(name: string): string | undefined {
  if (name === "") return undefined;
  if (name.length < 3 || name.length > 63) return "3 to 63 characters.";
  if (!/^[a-z0-9.-]+$/.test(name)) return "Use only lowercase letters, digits, dots and hyphens.";
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return "The name must begin and end with a letter or digit.";
  if (name.includes("..")) return "Two dots must not be adjacent.";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return "The name must not look like an IP address.";
  return undefined;
}

/** Decode a text of a listing with the encoding "url", in which keys can have any character. */
export function decodeListed(text: string | undefined): string {
  if (text === undefined) return "";
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // It was not encoded.
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
