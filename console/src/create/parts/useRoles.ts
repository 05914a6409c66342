import {
  CreateRoleCommand,
  DeleteRoleCommand,
  type IAMClient,
  PutRolePolicyCommand,
  paginateListRoles,
  type Role,
} from "@aws-sdk/client-iam";
import { useQuery } from "@tanstack/react-query";
import { useIam } from "../../api/iam";
import { POLICY_NAME, ROLE_PATH, trustsService } from "./rolePolicy";

export const ROLES_KEY = ["iam", "ListRoles", "that trust Comprehend"] as const;

/** The roles that the service may assume. */
export function useServiceRoles() {
  const client = useIam();
  return useQuery({
    queryKey: ROLES_KEY,
    queryFn: async () => {
      const found: Role[] = [];
      for await (const page of paginateListRoles({ client }, {})) {
        found.push(...(page.Roles ?? []).filter((role) => trustsService(role.AssumeRolePolicyDocument)));
      }
      return found;
    },
  });
}

export interface NewRole {
  readonly name: string;
  readonly trust: string;
  readonly policy: string;
}

/** Create a role with its policy and return its ARN. A role that could not be given its policy is removed again. */
export async function createRole(client: IAMClient, { name, trust, policy }: NewRole): Promise<string> {
  const { Role: made } = await client.send(
    new CreateRoleCommand({ RoleName: name, Path: ROLE_PATH, AssumeRolePolicyDocument: trust }),
  );
  if (made?.Arn === undefined) throw new Error("CreateRole answered without the role's ARN");
  try {
    await client.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: POLICY_NAME, PolicyDocument: policy }));
  } catch (refused) {
    try {
      await client.send(new DeleteRoleCommand({ RoleName: name }));
    } catch (stays) {
      const why = refused instanceof Error ? refused.message : String(refused);
      throw new Error(`The role ${name} was created, but not its policy (${why}). Delete the role, then try again.`, {
        cause: stays,
      });
    }
    throw refused;
  }
  return made.Arn;
}
