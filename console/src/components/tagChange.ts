export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export interface TagChange {
  readonly set: Tag[];
  readonly removed: string[];
}

/** A tag as the EC2 API describes it. */
interface DescribedTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** What turns the tags that are there into those that are wanted. */
export function tagChange(present: readonly DescribedTag[], wanted: readonly Tag[]): TagChange {
  const values = new Map(present.map((tag) => [tag.Key, tag.Value]));
  const keys = new Set<string | undefined>(wanted.map((tag) => tag.Key));
  return {
    set: wanted.filter((tag) => values.get(tag.Key) !== tag.Value).map(({ Key, Value }) => ({ Key, Value })),
    removed: present.flatMap(({ Key }) => (Key === undefined || keys.has(Key) ? [] : [Key])),
  };
}
