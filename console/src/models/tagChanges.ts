import type { Tag } from "../create/parts/tags";

/** What makes one set of tags another: keys to take away, and tags to put, new or with a new value. */
export function tagChanges(from: readonly Tag[], to: readonly Tag[]): { put: Tag[]; remove: string[] } {
  const known = new Map(from.map(({ Key, Value }) => [Key, Value]));
  const kept = new Set(to.map(({ Key }) => Key));
  return {
    put: to.filter(({ Key, Value }) => known.get(Key) !== Value).map(({ Key, Value }) => ({ Key, Value })),
    remove: from.map(({ Key }) => Key).filter((key) => !kept.has(key)),
  };
}
