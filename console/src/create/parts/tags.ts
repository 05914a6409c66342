import { areValid, MOST_TAGS, type Tag, type TagErrors, tagErrors } from "../../components/tags/tags";
import { ANY_DOCUMENTS, COLUMN_TAG, DOCUMENTS_TAG } from "../../kinds/formats.generated";

/** The tag of a job that sets its number of containers. */
export const CONTAINERS_TAG = "reading-room:containers";
export const MOST_CONTAINERS = 16;

/** What is wrong with each tag of a job; an empty object for a valid one. */
export function jobTagErrors(tags: readonly Tag[]): TagErrors[] {
  const errors = tagErrors(tags);
  return tags.map((tag, index) => {
    const value = ownTagProblem(tag, tags);
    return { ...errors[index], ...(value !== undefined && { value }) };
  });
}

/** What is wrong with a tag that Reading Room itself reads. */
function ownTagProblem({ Key, Value }: Tag, tags: readonly Tag[]): string | undefined {
  if (Key === CONTAINERS_TAG && !isContainers(Value)) return `Enter a whole number from 1 to ${MOST_CONTAINERS}.`;
  if (Key === DOCUMENTS_TAG && Value !== ANY_DOCUMENTS) return `Enter ${ANY_DOCUMENTS}, or remove the tag.`;
  if (Key !== COLUMN_TAG) return undefined;
  if (Value.trim() === "") return "Enter the name of a column, or remove the tag.";
  return tags.some((tag) => tag.Key === DOCUMENTS_TAG)
    ? undefined
    : `Add the tag ${DOCUMENTS_TAG}=${ANY_DOCUMENTS}, or remove this one.`;
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
