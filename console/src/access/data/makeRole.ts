import { CreateRoleCommand, DeleteRoleCommand, type IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";

export interface NewRole {
  readonly name: string;
  /** "/" unless given. */
  readonly path?: string;
  readonly description?: string;
  /** Who may assume it: a policy document, like the one below. */
  readonly trust: string;
  /** What it may do, as its one inline policy. */
  readonly policy: { readonly name: string; readonly document: string };
}

/** Create a role with its policy and return its ARN. If its policy cannot be created, the role is deleted again. */
export async function makeRole(iam: IAMClient, { name, path, description, trust, policy }: NewRole): Promise<string> {
  const { Role: made } = await iam.send(
    new CreateRoleCommand({ RoleName: name, Path: path, Description: description, AssumeRolePolicyDocument: trust }),
  );
  if (made?.Arn === undefined) throw new Error("CreateRole answered without the role's ARN");
  try {
    const request = { RoleName: name, PolicyName: policy.name, PolicyDocument: policy.document };
    await iam.send(new PutRolePolicyCommand(request));
  } catch (refused) {
    try {
      await iam.send(new DeleteRoleCommand({ RoleName: name }));
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
