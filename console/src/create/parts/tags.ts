import { areValid, MOST_TAGS, type Tag, type TagErrors, tagErrors } from "../../components/tags/tags";

/** The tag of a job that sets its number of containers: the only tag that Reading Room itself reads. */
export const CONTAINERS_TAG = "reading-room:containers";
export const MOST_CONTAINERS = 16;

/** What is wrong with each tag of a job; an empty object for a valid one. */
export function jobTagErrors(tags: readonly Tag[]): TagErrors[] {
  const errors = tagErrors(tags);
  return tags.map(({ Key, Value }, index) =>
    Key === CONTAINERS_TAG && !isContainers(Value)
      ? { ...errors[index], value: `Enter a whole number from 1 to ${MOST_CONTAINERS}.` }
      : (errors[index] ?? {}),
  );
}

/** What is wrong with the tags as a whole, as one sentence. */
export function tagsProblem(tags: readonly Tag[]): string | undefined {
  if (tags.length > MOST_TAGS) return `Remove ${tags.length - MOST_TAGS} tags: at most ${MOST_TAGS} are allowed.`;
  const wrong = jobTagErrors(tags).find((errors) => !areValid([errors]));
  return wrong?.key ?? wrong?.value;
}

function isContainers(value: string): boolean {
  return /^[1-9][0-9]?$/.test(value) && Number(value) <= MOST_CONTAINERS;
}
