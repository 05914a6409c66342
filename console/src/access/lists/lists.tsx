import type { Group, Policy, Role, User } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import { useState } from "react";
import { formatTime } from "../../components/format";
import { Page } from "../../components/Page";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import { identityHref, isAwsOwn, type ListType } from "../data/names";
import { useGroups, usePolicies, useRoles, useUsers } from "../data/queries";
import { CreatePolicy } from "../parts/CreatePolicy";
import { CreateRole } from "../parts/CreateRole";
import { CreateGroup, CreateUser } from "../parts/CreateUser";

const ABOVE = [{ text: "Access", href: "/access" }];

interface Named {
  readonly Arn: string | undefined;
  readonly Path: string | undefined;
  readonly CreateDate: Date | undefined;
}

function columns<Item extends Named>(type: ListType, nameOf: (item: Item) => string): Column<Item>[] {
  return [
    {
      id: "name",
      header: "Name",
      value: nameOf,
      cell: (item) => <RouterLink to={identityHref(type, nameOf(item))}>{nameOf(item)}</RouterLink>,
    },
    { id: "path", header: "Path", value: (item) => item.Path, cell: (item) => item.Path },
    {
      id: "created",
      header: "Created",
      value: (item) => item.CreateDate?.getTime(),
      cell: (item) => item.CreateDate && formatTime(item.CreateDate),
    },
    { id: "arn", header: "ARN", value: (item) => item.Arn, cell: (item) => item.Arn },
  ];
}

export function UserList() {
  const users = useUsers();
  const [creating, setCreating] = useState(false);
  const action = <Button onClick={() => setCreating(true)}>Create user</Button>;
  return (
    <Page title="Users" above={ABOVE} description="People and programs with access keys of their own.">
      <ResourceTable
        title="Users"
        noun="user"
        items={users.data}
        loading={users.isPending}
        error={users.error}
        onRefresh={() => void users.refetch()}
        keyOf={(user) => user.UserName ?? ""}
        columns={columns<User>("users", (user) => user.UserName ?? "")}
        actions={action}
        empty="A user is a person or program that signs requests with its own access keys. Create one for each."
      />
      {creating && <CreateUser onDismiss={() => setCreating(false)} />}
    </Page>
  );
}

export function RoleList() {
  const roles = useRoles();
  const [creating, setCreating] = useState(false);
  return (
    <Page title="Roles" above={ABOVE} description="Permissions that a service, a job or a user assumes for a while.">
      <ResourceTable
        title="Roles"
        noun="role"
        items={roles.data}
        loading={roles.isPending}
        error={roles.error}
        onRefresh={() => void roles.refetch()}
        keyOf={(role) => role.RoleName ?? ""}
        columns={columns<Role>("roles", (role) => role.RoleName ?? "")}
        actions={<Button onClick={() => setCreating(true)}>Create role</Button>}
        empty="A job reads documents and writes results with a role. Create one with the template for Comprehend."
      />
      {creating && <CreateRole onDismiss={() => setCreating(false)} />}
    </Page>
  );
}

export function GroupList() {
  const groups = useGroups();
  const [creating, setCreating] = useState(false);
  return (
    <Page title="Groups" above={ABOVE} description="Policies that many users share.">
      <ResourceTable
        title="Groups"
        noun="group"
        items={groups.data}
        loading={groups.isPending}
        error={groups.error}
        onRefresh={() => void groups.refetch()}
        keyOf={(group) => group.GroupName ?? ""}
        columns={columns<Group>("groups", (group) => group.GroupName ?? "")}
        actions={<Button onClick={() => setCreating(true)}>Create group</Button>}
        empty="A group gives its policies to all of its users. Create one if several users need the same permissions."
      />
      {creating && <CreateGroup onDismiss={() => setCreating(false)} />}
    </Page>
  );
}

const POLICY_COLUMNS: Column<Policy>[] = [
  {
    id: "name",
    header: "Name",
    value: (policy) => policy.PolicyName,
    cell: (policy) => <RouterLink to={identityHref("policies", policy.Arn ?? "")}>{policy.PolicyName}</RouterLink>,
  },
  {
    id: "kind",
    header: "Kind",
    value: (policy) => (isAwsOwn(policy.Arn ?? "") ? "AWS's own" : "This account's"),
    cell: (policy) => (isAwsOwn(policy.Arn ?? "") ? "AWS's own" : "This account's"),
  },
  {
    id: "attached",
    header: "Attached to",
    value: (policy) => policy.AttachmentCount,
    cell: (policy) => policy.AttachmentCount ?? 0,
  },
  {
    id: "version",
    header: "Default version",
    value: (policy) => policy.DefaultVersionId,
    cell: (policy) => policy.DefaultVersionId,
  },
  {
    id: "description",
    header: "Description",
    value: (policy) => policy.Description,
    cell: (policy) => policy.Description,
  },
];

export function PolicyList() {
  const policies = usePolicies();
  const [creating, setCreating] = useState(false);
  const [scope, setScope] = useState("all");
  const shown = policies.data?.filter((policy) => scope === "all" || isAwsOwn(policy.Arn ?? "") === (scope === "aws"));
  return (
    <Page
      title="Policies"
      above={ABOVE}
      description="Permissions to attach to users, groups and roles. AWS's own policies cannot be changed."
    >
      <SegmentedControl
        label="Which policies"
        selectedId={scope}
        onChange={({ detail }) => setScope(detail.selectedId)}
        options={[
          { id: "all", text: "All" },
          { id: "account", text: "This account's" },
          { id: "aws", text: "AWS's own" },
        ]}
      />
      <ResourceTable
        key={scope}
        title="Policies"
        noun="policy"
        items={shown}
        loading={policies.isPending}
        error={policies.error}
        onRefresh={() => void policies.refetch()}
        keyOf={(policy) => policy.Arn ?? ""}
        columns={POLICY_COLUMNS}
        actions={<Button onClick={() => setCreating(true)}>Create policy</Button>}
        empty="A managed policy can be attached to many users, roles and groups, and keeps five versions. Create one."
      />
      {creating && <CreatePolicy onDismiss={() => setCreating(false)} />}
    </Page>
  );
}
