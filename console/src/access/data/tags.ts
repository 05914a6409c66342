import * as api from "@aws-sdk/client-iam";
import type { TagChange } from "../../components/tags/tags";
import type { ListType } from "./names";

/** Change the tags of a user, role or policy. Tags are removed first, so that the limit of 50 has room for new ones. */
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
