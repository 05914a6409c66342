import { DeleteRoleCommand, DeleteRolePolicyCommand, type IAMClient } from "@aws-sdk/client-iam";
import { makeRole } from "../../access/data/makeRole";
import { FLOW_LOGS_SERVICE, serviceTrust } from "../../access/data/trust";
import { deliveryPolicy } from "./roles";

const POLICY = "deliver-flow-logs";

/** Make a role that delivers the account's flow logs to CloudWatch Logs; its ARN. */
export function makeDeliveryRole(iam: IAMClient, name: string, account: string): Promise<string> {
  return makeRole(iam, {
    name,
    description: "Delivers VPC flow logs to CloudWatch Logs",
    trust: serviceTrust(FLOW_LOGS_SERVICE, account),
    policy: { name: POLICY, document: deliveryPolicy() },
  });
}

/** Remove such a role with its policy. */
export async function removeDeliveryRole(iam: IAMClient, name: string): Promise<void> {
  await iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: POLICY }));
  await iam.send(new DeleteRoleCommand({ RoleName: name }));
}
