export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export const CONTAINERS_TAG = "reading-room:containers";
export const MOST_CONTAINERS = 16;
export const MOST_TAGS = 50;
const KEY_LENGTH = 128;
const VALUE_LENGTH = 256;

export interface TagErrors {
  readonly key?: string;
  readonly value?: string;
}

/** What is wrong with each tag; an empty object where nothing is. */
export function tagErrors(tags: readonly Tag[]): TagErrors[] {
  return tags.map((tag, index) => {
    const key = keyProblem(tag.Key, tags, index);
    const value = valueProblem(tag);
    return { ...(key !== undefined && { key }), ...(value !== undefined && { value }) };
  });
}

/** What is wrong with the tags as a whole, as one sentence. */
export function tagsProblem(tags: readonly Tag[]): string | undefined {
  if (tags.length > MOST_TAGS) return `Remove ${tags.length - MOST_TAGS} tags: there can be ${MOST_TAGS}.`;
  const wrong = tagErrors(tags).find((errors) => errors.key !== undefined || errors.value !== undefined);
  return wrong?.key ?? wrong?.value;
}

function keyProblem(key: string, tags: readonly Tag[], index: number): string | undefined {
  if (key === "") return "Enter a key, or remove the tag.";
  if (key.length > KEY_LENGTH) return `Shorten the key: it has ${key.length} characters of ${KEY_LENGTH}.`;
  if (key.toLowerCase().startsWith("aws:")) return "Keys that begin with aws: are reserved.";
  if (tags.findIndex((tag) => tag.Key === key) !== index) return "This key is there already.";
  return undefined;
}

function valueProblem({ Key, Value }: Tag): string | undefined {
  if (Value.length > VALUE_LENGTH) return `Shorten the value: it has ${Value.length} characters of ${VALUE_LENGTH}.`;
  if (Key === CONTAINERS_TAG && !isContainers(Value)) return `Enter a whole number from 1 to ${MOST_CONTAINERS}.`;
  return undefined;
}

function isContainers(value: string): boolean {
  return /^[1-9][0-9]?$/.test(value) && Number(value) <= MOST_CONTAINERS;
}
