import { type Tag as PlainTag, tagChange } from "../../components/tagChange";
import { linesOf } from "../forms/fields";
import type { Tag } from "../ids";

export function tagLines(tags: readonly Tag[]): string {
  return tags.map((tag) => `${tag.Key ?? ""}=${tag.Value ?? ""}`).join("\n");
}

export function parseTags(text: string): PlainTag[] {
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

export { tagChange as tagChanges };
