export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** The most tags of a resource; an object of S3 has fewer. */
export const MOST_TAGS = 50;
const KEY_LENGTH = 128;
const VALUE_LENGTH = 256;

export interface TagErrors {
  readonly key?: string;
  readonly value?: string;
}

/** What is wrong with each tag; an empty object for a valid one. IAM's keys are compared without regard to case. */
export function tagErrors(tags: readonly Tag[], ignoreCase = false): TagErrors[] {
  const keys = tags.map(({ Key }) => (ignoreCase ? Key.toLowerCase() : Key));
  return tags.map(({ Key, Value }, index) => {
    const key = keyProblem(Key) ?? (keys.indexOf(keys[index] ?? "") < index ? "This key already exists." : undefined);
    const value =
      Value.length > VALUE_LENGTH
        ? `Shorten the value: it has ${Value.length} characters of ${VALUE_LENGTH}.`
        : undefined;
    return { ...(key !== undefined && { key }), ...(value !== undefined && { value }) };
  });
}

function keyProblem(key: string): string | undefined {
  if (key === "") return "Enter a key, or remove the tag.";
  if (key.length > KEY_LENGTH) return `Shorten the key: it has ${key.length} characters of ${KEY_LENGTH}.`;
  return key.toLowerCase().startsWith("aws:") ? "Keys that begin with aws: are reserved." : undefined;
}

/** Whether all tags are valid. */
export function areValid(errors: readonly TagErrors[]): boolean {
  return errors.every(({ key, value }) => key === undefined && value === undefined);
}

/** A tag as an API describes it. */
export interface DescribedTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** The tags of an answer, for a form. */
export function describedTags(tags: readonly DescribedTag[] | undefined): Tag[] {
  return (tags ?? []).map(({ Key = "", Value = "" }) => ({ Key, Value }));
}

/** Tags to set, and keys of tags to remove. */
export interface TagChange {
  readonly set: Tag[];
  readonly removed: string[];
}

/** The changes from the existing tags to the wanted ones. */
export function tagChange(present: readonly Tag[], wanted: readonly Tag[]): TagChange {
  const values = new Map(present.map((tag) => [tag.Key, tag.Value]));
  const keys = new Set(wanted.map((tag) => tag.Key));
  return {
    set: wanted.filter((tag) => values.get(tag.Key) !== tag.Value).map(({ Key, Value }) => ({ Key, Value })),
    removed: present.flatMap(({ Key }) => (keys.has(Key) ? [] : [Key])),
  };
}
