import { linesOf } from "../forms/fields";
import type { Tag } from "../ids";

interface KeyValue {
  readonly Key: string;
  readonly Value: string;
}

export function tagLines(tags: readonly Tag[]): string {
  return tags.map((tag) => `${tag.Key ?? ""}=${tag.Value ?? ""}`).join("\n");
}

export function parseTags(text: string): KeyValue[] {
  return linesOf(text).map((line) => {
    const at = line.indexOf("=");
    return at === -1 ? { Key: line, Value: "" } : { Key: line.slice(0, at).trim(), Value: line.slice(at + 1).trim() };
  });
}

export function tagsProblem(text: string): string | undefined {
  const keys = parseTags(text).map((tag) => tag.Key);
  if (keys.some((key) => key === "")) return "Write a key before each equals sign.";
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  return twice === undefined ? undefined : `The key ${twice} is there twice.`;
}

/** What must be deleted and set so that a resource has these tags and no others. */
export function tagChanges(
  before: readonly Tag[],
  after: readonly KeyValue[],
): { readonly removed: string[]; readonly set: KeyValue[] } {
  const kept = new Set(after.map((tag) => tag.Key));
  return {
    removed: before.flatMap((tag) => (tag.Key !== undefined && !kept.has(tag.Key) ? [tag.Key] : [])),
    set: after.filter((tag) => before.find((old) => old.Key === tag.Key)?.Value !== tag.Value),
  };
}
