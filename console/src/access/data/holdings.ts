import * as api from "@aws-sdk/client-iam";
import { OPERATIONS } from "./identities";
import type { IdentityType } from "./names";
import { readAll } from "./paging";

/** Something that must be removed before an identity can be deleted. */
export interface Holding {
  readonly text: string;
  readonly remove: () => Promise<unknown>;
}

/** Everything that must be removed before an identity can be deleted, in the order of removal. */
export async function holdingsOf(iam: api.IAMClient, type: IdentityType, name: string): Promise<Holding[]> {
  const operations = OPERATIONS[type];
  const [attached, inline] = await Promise.all([operations.attached(iam, name), operations.inlineNames(iam, name)]);
  return [
    ...attached.map(({ PolicyArn = "" }) => ({
      text: `attached policy ${PolicyArn}`,
      remove: () => operations.detach(iam, name, PolicyArn),
    })),
    ...inline.map((policy) => ({
      text: `inline policy ${policy}`,
      remove: () => operations.deleteInline(iam, name, policy),
    })),
    ...(type === "users" ? await holdingsOfUser(iam, name) : []),
    ...(type === "groups" ? await membersOf(iam, name) : []),
  ];
}

async function holdingsOfUser(iam: api.IAMClient, UserName: string): Promise<Holding[]> {
  const [keys, groups] = await Promise.all([accessKeysOf(iam, UserName), groupsOf(iam, UserName)]);
  return [
    ...keys.map(({ AccessKeyId = "" }) => ({
      text: `access key ${AccessKeyId}`,
      remove: () => iam.send(new api.DeleteAccessKeyCommand({ UserName, AccessKeyId })),
    })),
    ...groups.map(({ GroupName }) => ({
      text: `membership of group ${GroupName}`,
      remove: () => iam.send(new api.RemoveUserFromGroupCommand({ UserName, GroupName })),
    })),
  ];
}

async function membersOf(iam: api.IAMClient, GroupName: string): Promise<Holding[]> {
  const members = await readAll(
    (page) => iam.send(new api.GetGroupCommand({ GroupName, ...page })),
    (answer) => answer.Users,
  );
  return members.map(({ UserName }) => ({
    text: `member ${UserName}`,
    remove: () => iam.send(new api.RemoveUserFromGroupCommand({ UserName, GroupName })),
  }));
}

export function accessKeysOf(iam: api.IAMClient, UserName: string): Promise<api.AccessKeyMetadata[]> {
  return readAll(
    (page) => iam.send(new api.ListAccessKeysCommand({ UserName, ...page })),
    (answer) => answer.AccessKeyMetadata,
  );
}

export function groupsOf(iam: api.IAMClient, UserName: string): Promise<api.Group[]> {
  return readAll(
    (page) => iam.send(new api.ListGroupsForUserCommand({ UserName, ...page })),
    (answer) => answer.Groups,
  );
}

/**
 * Delete what an identity holds, then the identity. A failure leaves the rest as it is, and another try continues
 * there.
 */
export async function removeIdentity(
  iam: api.IAMClient,
  type: IdentityType,
  name: string,
  holdings: readonly Holding[],
): Promise<void> {
  for (const holding of holdings) await holding.remove();
  await OPERATIONS[type].remove(iam, name);
}

/** What must be removed before a managed policy can be deleted: attachments, uses as a boundary, and older versions. */
export async function holdingsOfPolicy(iam: api.IAMClient, PolicyArn: string): Promise<Holding[]> {
  const [uses, versions] = await Promise.all([usesOf(iam, PolicyArn), versionsOf(iam, PolicyArn)]);
  return [
    ...uses.map((use) => ({ text: use.text, remove: use.remove })),
    ...versions
      .filter((version) => !version.IsDefaultVersion)
      .map(({ VersionId }) => ({
        text: `version ${VersionId}`,
        remove: () => iam.send(new api.DeletePolicyVersionCommand({ PolicyArn, VersionId })),
      })),
  ];
}

export function versionsOf(iam: api.IAMClient, PolicyArn: string): Promise<api.PolicyVersion[]> {
  return readAll(
    (page) => iam.send(new api.ListPolicyVersionsCommand({ PolicyArn, ...page })),
    (answer) => answer.Versions,
  );
}

export interface PolicyUse extends Holding {
  readonly type: IdentityType;
  readonly name: string;
  readonly as: "permissions policy" | "permissions boundary";
}

/** The identities that a managed policy is attached to, and those that it is the boundary of. */
export async function usesOf(iam: api.IAMClient, PolicyArn: string): Promise<PolicyUse[]> {
  const [policies, boundaries] = await Promise.all([
    entities(iam, PolicyArn, "PermissionsPolicy"),
    entities(iam, PolicyArn, "PermissionsBoundary"),
  ]);
  return [
    ...policies.map(({ type, name }) => ({
      type,
      name,
      as: "permissions policy" as const,
      text: `attachment to ${type.slice(0, -1)} ${name}`,
      remove: () => OPERATIONS[type].detach(iam, name, PolicyArn),
    })),
    ...boundaries.map(({ type, name }) => ({
      type,
      name,
      as: "permissions boundary" as const,
      text: `permissions boundary of ${type.slice(0, -1)} ${name}: removing it grants more permissions`,
      remove: () =>
        type === "users"
          ? iam.send(new api.DeleteUserPermissionsBoundaryCommand({ UserName: name }))
          : iam.send(new api.DeleteRolePermissionsBoundaryCommand({ RoleName: name })),
    })),
  ];
}

async function entities(
  iam: api.IAMClient,
  PolicyArn: string,
  PolicyUsageFilter: api.PolicyUsageType,
): Promise<{ type: IdentityType; name: string }[]> {
  return readAll(
    (page) => iam.send(new api.ListEntitiesForPolicyCommand({ PolicyArn, PolicyUsageFilter, ...page })),
    (answer) => [
      ...(answer.PolicyUsers ?? []).map(({ UserName = "" }) => ({ type: "users" as const, name: UserName })),
      ...(answer.PolicyRoles ?? []).map(({ RoleName = "" }) => ({ type: "roles" as const, name: RoleName })),
      ...(answer.PolicyGroups ?? []).map(({ GroupName = "" }) => ({ type: "groups" as const, name: GroupName })),
    ],
  );
}
