import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  type IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { deliveryPolicy, deliveryTrust } from "./roles";

const POLICY = "deliver-flow-logs";

/** Make a role that delivers flow logs to CloudWatch Logs; its ARN. */
export async function makeDeliveryRole(iam: IAMClient, name: string): Promise<string> {
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: deliveryTrust(),
      Description: "Delivers VPC flow logs to CloudWatch Logs",
    }),
  );
  if (Role?.Arn === undefined) throw new Error("CreateRole gave no ARN");
  await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: POLICY, PolicyDocument: deliveryPolicy() }));
  return Role.Arn;
}

export async function removeDeliveryRole(iam: IAMClient, name: string): Promise<void> {
  await iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: POLICY }));
  await iam.send(new DeleteRoleCommand({ RoleName: name }));
}
