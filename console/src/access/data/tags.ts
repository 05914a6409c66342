import * as api from "@aws-sdk/client-iam";
import { type Tag, type TagChange, tagChange } from "../../components/tagChange";
import type { ListType } from "./names";

export { type Tag, type TagChange, tagChange };

/** What is wrong with these tags, by their place; IAM's keys are alike without regard to case. */
export function tagProblem(tags: readonly Tag[], index: number, ignoreCase: boolean): string | undefined {
  const tag = tags[index];
  if (tag === undefined) return undefined;
  if (tag.Key === "") return "Give the tag a key.";
  if (tag.Key.length > 128) return "At most 128 characters.";
  if (/^aws:/i.test(tag.Key)) return "Keys that begin with aws: are AWS's own.";
  const same = (key: string): string => (ignoreCase ? key.toLowerCase() : key);
  const twin = tags.findIndex((other) => same(other.Key) === same(tag.Key));
  return twin < index ? "This key is there already." : undefined;
}

/** Change the tags of a user, role or policy: first what goes, so that the places of 50 tags are free for what comes. */
export async function saveTags(iam: api.IAMClient, type: ListType, id: string, change: TagChange): Promise<void> {
  const { set: Tags, removed: TagKeys } = change;
  if (type === "users") {
    if (TagKeys.length > 0) await iam.send(new api.UntagUserCommand({ UserName: id, TagKeys }));
    if (Tags.length > 0) await iam.send(new api.TagUserCommand({ UserName: id, Tags }));
  } else if (type === "roles") {
    if (TagKeys.length > 0) await iam.send(new api.UntagRoleCommand({ RoleName: id, TagKeys }));
    if (Tags.length > 0) await iam.send(new api.TagRoleCommand({ RoleName: id, Tags }));
  } else if (type === "policies") {
    if (TagKeys.length > 0) await iam.send(new api.UntagPolicyCommand({ PolicyArn: id, TagKeys }));
    if (Tags.length > 0) await iam.send(new api.TagPolicyCommand({ PolicyArn: id, Tags }));
  } else throw new Error("a group has no tags");
}
