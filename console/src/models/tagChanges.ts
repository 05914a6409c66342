import { type Tag, tagChange } from "../components/tagChange";

/** What makes one set of tags another: keys to take away, and tags to put, new or with a new value. */
export function tagChanges(from: readonly Tag[], to: readonly Tag[]): { put: Tag[]; remove: string[] } {
  const { set, removed } = tagChange(from, to);
  return { put: set, remove: removed };
}
