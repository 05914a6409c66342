import * as api from "@aws-sdk/client-iam";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useIam } from "../../api/iam";
import { OPERATIONS, readIdentity } from "./identities";
import type { IdentityType } from "./names";
import { readAll } from "./paging";
import { trustsService } from "./trust";

const POLL_MILLISECONDS = 10_000;

export function useUsers(enabled = true) {
  const iam = useIam();
  return useQuery({
    queryKey: ["iam", "ListUsers"],
    enabled,
    refetchInterval: POLL_MILLISECONDS,
    queryFn: () =>
      readAll(
        (page) => iam.send(new api.ListUsersCommand(page)),
        (answer) => answer.Users,
      ),
  });
}

const ROLES = ["iam", "ListRoles"];

function readRoles(iam: api.IAMClient): Promise<api.Role[]> {
  return readAll(
    (page) => iam.send(new api.ListRolesCommand(page)),
    (answer) => answer.Roles,
  );
}

export function useRoles(enabled = true) {
  const iam = useIam();
  return useQuery({ queryKey: ROLES, enabled, refetchInterval: POLL_MILLISECONDS, queryFn: () => readRoles(iam) });
}

/** The roles that a service may assume. */
export function useRolesTrusting(service: string) {
  const iam = useIam();
  return useQuery({
    queryKey: ROLES,
    queryFn: () => readRoles(iam),
    select: (roles) => roles.filter((role) => trustsService(role.AssumeRolePolicyDocument, service)),
  });
}

export function useGroups(enabled = true) {
  const iam = useIam();
  return useQuery({
    queryKey: ["iam", "ListGroups"],
    enabled,
    refetchInterval: POLL_MILLISECONDS,
    queryFn: () =>
      readAll(
        (page) => iam.send(new api.ListGroupsCommand(page)),
        (answer) => answer.Groups,
      ),
  });
}

/** All managed policies: the account's own and AWS's. */
export function usePolicies(enabled = true) {
  const iam = useIam();
  return useQuery({
    queryKey: ["iam", "ListPolicies"],
    enabled,
    refetchInterval: POLL_MILLISECONDS,
    queryFn: () =>
      readAll(
        (page) => iam.send(new api.ListPoliciesCommand({ Scope: "All", ...page })),
        (answer) => answer.Policies,
      ),
  });
}

export function useIdentity(type: IdentityType, name: string) {
  const iam = useIam();
  return useQuery({ queryKey: ["iam", "Get", type, name], queryFn: () => readIdentity(iam, type, name) });
}

export function useAttached(type: IdentityType, name: string) {
  const iam = useIam();
  return useQuery({
    queryKey: ["iam", "ListAttachedPolicies", type, name],
    queryFn: () => OPERATIONS[type].attached(iam, name),
  });
}

export function useInlineNames(type: IdentityType, name: string) {
  const iam = useIam();
  return useQuery({
    queryKey: ["iam", "ListInlinePolicies", type, name],
    queryFn: () => OPERATIONS[type].inlineNames(iam, name),
  });
}

/** Read everything of IAM that is shown again, after a change. */
export function useIamChanged(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(() => queries.invalidateQueries({ queryKey: ["iam"] }), [queries]);
}
