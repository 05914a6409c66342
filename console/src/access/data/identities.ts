import * as api from "@aws-sdk/client-iam";
import type { IdentityType } from "./names";
import { documentText } from "./names";
import { readAll } from "./paging";

type Client = api.IAMClient;

/** What users, roles and groups have in common, so that one page shows all three. */
export interface IdentityOperations {
  readonly attached: (iam: Client, name: string) => Promise<api.AttachedPolicy[]>;
  readonly attach: (iam: Client, name: string, arn: string) => Promise<unknown>;
  readonly detach: (iam: Client, name: string, arn: string) => Promise<unknown>;
  readonly inlineNames: (iam: Client, name: string) => Promise<string[]>;
  readonly inlineText: (iam: Client, name: string, policy: string) => Promise<string>;
  readonly putInline: (iam: Client, name: string, policy: string, text: string) => Promise<unknown>;
  readonly deleteInline: (iam: Client, name: string, policy: string) => Promise<unknown>;
  readonly remove: (iam: Client, name: string) => Promise<unknown>;
  /** The most characters that all inline policies of one identity may have together. */
  readonly inlineLimit: number;
}

const users: IdentityOperations = {
  attached: (iam, UserName) =>
    readAll(
      (page) => iam.send(new api.ListAttachedUserPoliciesCommand({ UserName, ...page })),
      (answer) => answer.AttachedPolicies,
    ),
  attach: (iam, UserName, PolicyArn) => iam.send(new api.AttachUserPolicyCommand({ UserName, PolicyArn })),
  detach: (iam, UserName, PolicyArn) => iam.send(new api.DetachUserPolicyCommand({ UserName, PolicyArn })),
  inlineNames: (iam, UserName) =>
    readAll(
      (page) => iam.send(new api.ListUserPoliciesCommand({ UserName, ...page })),
      (answer) => answer.PolicyNames,
    ),
  inlineText: async (iam, UserName, PolicyName) =>
    documentText((await iam.send(new api.GetUserPolicyCommand({ UserName, PolicyName }))).PolicyDocument),
  putInline: (iam, UserName, PolicyName, PolicyDocument) =>
    iam.send(new api.PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument })),
  deleteInline: (iam, UserName, PolicyName) => iam.send(new api.DeleteUserPolicyCommand({ UserName, PolicyName })),
  remove: (iam, UserName) => iam.send(new api.DeleteUserCommand({ UserName })),
  inlineLimit: 2048,
};

const roles: IdentityOperations = {
  attached: (iam, RoleName) =>
    readAll(
      (page) => iam.send(new api.ListAttachedRolePoliciesCommand({ RoleName, ...page })),
      (answer) => answer.AttachedPolicies,
    ),
  attach: (iam, RoleName, PolicyArn) => iam.send(new api.AttachRolePolicyCommand({ RoleName, PolicyArn })),
  detach: (iam, RoleName, PolicyArn) => iam.send(new api.DetachRolePolicyCommand({ RoleName, PolicyArn })),
  inlineNames: (iam, RoleName) =>
    readAll(
      (page) => iam.send(new api.ListRolePoliciesCommand({ RoleName, ...page })),
      (answer) => answer.PolicyNames,
    ),
  inlineText: async (iam, RoleName, PolicyName) =>
    documentText((await iam.send(new api.GetRolePolicyCommand({ RoleName, PolicyName }))).PolicyDocument),
  putInline: (iam, RoleName, PolicyName, PolicyDocument) =>
    iam.send(new api.PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument })),
  deleteInline: (iam, RoleName, PolicyName) => iam.send(new api.DeleteRolePolicyCommand({ RoleName, PolicyName })),
  remove: (iam, RoleName) => iam.send(new api.DeleteRoleCommand({ RoleName })),
  inlineLimit: 10240,
};

const groups: IdentityOperations = {
  attached: (iam, GroupName) =>
    readAll(
      (page) => iam.send(new api.ListAttachedGroupPoliciesCommand({ GroupName, ...page })),
      (answer) => answer.AttachedPolicies,
    ),
  attach: (iam, GroupName, PolicyArn) => iam.send(new api.AttachGroupPolicyCommand({ GroupName, PolicyArn })),
  detach: (iam, GroupName, PolicyArn) => iam.send(new api.DetachGroupPolicyCommand({ GroupName, PolicyArn })),
  inlineNames: (iam, GroupName) =>
    readAll(
      (page) => iam.send(new api.ListGroupPoliciesCommand({ GroupName, ...page })),
      (answer) => answer.PolicyNames,
    ),
  inlineText: async (iam, GroupName, PolicyName) =>
    documentText((await iam.send(new api.GetGroupPolicyCommand({ GroupName, PolicyName }))).PolicyDocument),
  putInline: (iam, GroupName, PolicyName, PolicyDocument) =>
    iam.send(new api.PutGroupPolicyCommand({ GroupName, PolicyName, PolicyDocument })),
  deleteInline: (iam, GroupName, PolicyName) => iam.send(new api.DeleteGroupPolicyCommand({ GroupName, PolicyName })),
  remove: (iam, GroupName) => iam.send(new api.DeleteGroupCommand({ GroupName })),
  inlineLimit: 5120,
};

export const OPERATIONS: Readonly<Record<IdentityType, IdentityOperations>> = { users, roles, groups };

/** An identity as its page shows it, with the same member names for all three kinds. */
export interface Identity {
  readonly type: IdentityType;
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly path: string;
  readonly created: Date | undefined;
  readonly boundary: string | undefined;
  readonly tags: readonly api.Tag[];
  readonly trust: string | undefined;
  readonly description: string | undefined;
  readonly maxSession: number | undefined;
  readonly lastUsed: Date | undefined;
  readonly members: readonly api.User[];
}

const NOTHING = {
  boundary: undefined,
  tags: [],
  trust: undefined,
  description: undefined,
  maxSession: undefined,
  lastUsed: undefined,
  members: [],
};

export async function readIdentity(iam: Client, type: IdentityType, name: string): Promise<Identity> {
  if (type === "users") {
    const { User } = await iam.send(new api.GetUserCommand({ UserName: name }));
    return { ...NOTHING, ...common(type, User?.UserName, User), boundary: boundaryOf(User), tags: User?.Tags ?? [] };
  }
  if (type === "roles") {
    const { Role } = await iam.send(new api.GetRoleCommand({ RoleName: name }));
    return {
      ...NOTHING,
      ...common(type, Role?.RoleName, Role),
      boundary: boundaryOf(Role),
      tags: Role?.Tags ?? [],
      trust: documentText(Role?.AssumeRolePolicyDocument),
      description: Role?.Description,
      maxSession: Role?.MaxSessionDuration,
      lastUsed: Role?.RoleLastUsed?.LastUsedDate,
    };
  }
  let group: api.Group | undefined;
  const members = await readAll(
    async (page) => {
      const answer = await iam.send(new api.GetGroupCommand({ GroupName: name, ...page }));
      group = answer.Group;
      return answer;
    },
    (answer) => answer.Users,
  );
  return { ...NOTHING, ...common(type, group?.GroupName, group), members };
}

interface Answered {
  readonly Arn: string | undefined;
  readonly Path: string | undefined;
  readonly CreateDate: Date | undefined;
  readonly UserId?: string | undefined;
  readonly RoleId?: string | undefined;
  readonly GroupId?: string | undefined;
}

function common(type: IdentityType, name: string | undefined, answered: Answered | undefined) {
  return {
    type,
    name: name ?? "",
    arn: answered?.Arn ?? "",
    id: answered?.UserId ?? answered?.RoleId ?? answered?.GroupId ?? "",
    path: answered?.Path ?? "/",
    created: answered?.CreateDate,
  };
}

function boundaryOf(
  answered: { PermissionsBoundary?: api.AttachedPermissionsBoundary } | undefined,
): string | undefined {
  return answered?.PermissionsBoundary?.PermissionsBoundaryArn;
}

export function setBoundary(iam: Client, type: IdentityType, name: string, arn: string | undefined): Promise<unknown> {
  if (type === "groups") throw new Error("a group has no permissions boundary");
  if (type === "users") {
    return arn === undefined
      ? iam.send(new api.DeleteUserPermissionsBoundaryCommand({ UserName: name }))
      : iam.send(new api.PutUserPermissionsBoundaryCommand({ UserName: name, PermissionsBoundary: arn }));
  }
  return arn === undefined
    ? iam.send(new api.DeleteRolePermissionsBoundaryCommand({ RoleName: name }))
    : iam.send(new api.PutRolePermissionsBoundaryCommand({ RoleName: name, PermissionsBoundary: arn }));
}
