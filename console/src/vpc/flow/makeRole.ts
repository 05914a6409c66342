import {
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  type IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { makeRole } from "../../access/data/makeRole";
import { FLOW_LOGS_SERVICE, serviceTrust } from "../../access/data/trust";
import { hasCode } from "../../api/errors";
import { deliveryPolicy } from "./roles";

const POLICY = "deliver-flow-logs";

export interface DeliveryRole {
  readonly arn: string;
  /** Whether it was created now, rather than found. */
  readonly made: boolean;
}

/** Create a role that delivers the account's flow logs to CloudWatch Logs, or use the existing one of this name. */
export async function makeDeliveryRole(iam: IAMClient, name: string, account: string): Promise<DeliveryRole> {
  try {
    const arn = await makeRole(iam, {
      name,
      description: "Delivers VPC flow logs to CloudWatch Logs",
      trust: serviceTrust(FLOW_LOGS_SERVICE, account),
      policy: { name: POLICY, document: deliveryPolicy() },
    });
    return { arn, made: true };
  } catch (error) {
    if (!hasCode(error, "EntityAlreadyExistsException", "EntityAlreadyExists")) throw error;
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: name }));
    const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "");
    if (Role?.Arn === undefined || !trust.includes(FLOW_LOGS_SERVICE)) {
      throw new Error(
        `The role ${name} already exists for another purpose: ${FLOW_LOGS_SERVICE} may not assume it. Choose another name.`,
        { cause: error },
      );
    }
    await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: POLICY, PolicyDocument: deliveryPolicy() }));
    return { arn: Role.Arn, made: false };
  }
}

/** Delete such a role with its policy. */
export async function removeDeliveryRole(iam: IAMClient, name: string): Promise<void> {
  await iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: POLICY }));
  await iam.send(new DeleteRoleCommand({ RoleName: name }));
}
