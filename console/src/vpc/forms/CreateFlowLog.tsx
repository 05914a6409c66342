import { CreateFlowLogsCommand, type FlowLogsResourceType, type TrafficType } from "@aws-sdk/client-ec2";
import { useRolesTrusting } from "../../access/data/queries";
import { FLOW_LOGS_SERVICE } from "../../access/data/trust";
import { useIam } from "../../api/iam";
import { useSignedIn } from "../../session/session";
import { interfaces, subnets, vpcs } from "../data/reads";
import { refuseUnsuccessful } from "../data/unsuccessful";
import { useChange, useRead } from "../data/use";
import { makeDeliveryRole, removeDeliveryRole } from "../flow/makeRole";
import { EXTENDED_FORMAT } from "../flow/records";
import { nameTag } from "../ids";
import { interfaceChoices, subnetChoices, vpcChoices } from "./choices";
import { FieldsModal } from "./FieldsModal";
import type { Choice } from "./fields";

const NEW_ROLE = "new";

export function CreateFlowLog({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const iam = useIam();
  const nets = useRead(vpcs).data;
  const places = useRead(subnets).data;
  const ends = useRead(interfaces).data;
  const { account } = useSignedIn().identity;
  // Without permission to list roles, a new one can still be created.
  const roles = useRolesTrusting(FLOW_LOGS_SERVICE).data ?? [];
  const resources = (type: string): Choice[] =>
    type === "VPC" ? vpcChoices(nets) : type === "Subnet" ? subnetChoices(places) : interfaceChoices(ends);
  const toLogs = ({ to }: { to: string }): boolean => to === "cloud-watch-logs";
  return (
    <FieldsModal
      title="Create flow log"
      action="Create flow log"
      onDismiss={onDismiss}
      initial={{
        name: "",
        type: "VPC",
        resource: "",
        traffic: "ALL",
        to: "cloud-watch-logs",
        group: "/vpc/flow-logs",
        role: NEW_ROLE,
        roleName: "flow-logs",
        bucket: "",
        fields: "extended",
      }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "type",
          label: "Resource type",
          kind: "choice",
          choices: () => [
            { value: "VPC", label: "A whole VPC" },
            { value: "Subnet", label: "A subnet" },
            { value: "NetworkInterface", label: "A network interface" },
          ],
          changed: (values) => ({ ...values, resource: "" }),
        },
        { key: "resource", label: "Resource", kind: "select", choices: ({ type }) => resources(type) },
        {
          key: "traffic",
          label: "Traffic",
          kind: "choice",
          choices: () => [
            { value: "ALL", label: "Accepted and rejected" },
            { value: "ACCEPT", label: "Accepted" },
            { value: "REJECT", label: "Rejected" },
          ],
        },
        {
          key: "to",
          label: "Destination",
          kind: "choice",
          choices: () => [
            { value: "cloud-watch-logs", label: "CloudWatch Logs", description: "The console shows these live." },
            { value: "s3", label: "A bucket" },
          ],
        },
        {
          key: "group",
          label: "Log group",
          kind: "text",
          shown: toLogs,
          description: "It is created if it does not exist.",
        },
        {
          key: "role",
          label: "Role",
          kind: "select",
          shown: toLogs,
          description: "It must trust vpc-flow-logs.amazonaws.com and may write log events.",
          choices: () => [
            { value: NEW_ROLE, label: "Create a role for it" },
            ...roles.map((role) => ({ value: role.Arn ?? "", label: role.RoleName ?? "" })),
          ],
        },
        {
          key: "roleName",
          label: "Name of the new role",
          kind: "text",
          shown: (values) => toLogs(values) && values.role === NEW_ROLE,
        },
        {
          key: "bucket",
          label: "Bucket",
          kind: "text",
          shown: (values) => !toLogs(values),
          placeholder: "my-flow-logs or my-flow-logs/prefix",
          description: "If the bucket is yours, its policy is extended for the delivery.",
        },
        {
          key: "fields",
          label: "Fields",
          kind: "choice",
          choices: () => [
            { value: "extended", label: "With direction, path, and the packets' own addresses" },
            { value: "default", label: "AWS's default fields" },
          ],
        },
      ]}
      onSubmit={(values) =>
        change("The flow log is created.", async (ec2) => {
          const create = async (role: string): Promise<void> => {
            const { Unsuccessful } = await ec2.send(
              new CreateFlowLogsCommand({
                ResourceType: values.type as FlowLogsResourceType,
                ResourceIds: [values.resource],
                TrafficType: values.traffic as TrafficType,
                MaxAggregationInterval: 60,
                TagSpecifications: nameTag("vpc-flow-log", values.name),
                ...(values.fields === "extended" && { LogFormat: EXTENDED_FORMAT }),
                ...(toLogs(values)
                  ? {
                      LogDestinationType: "cloud-watch-logs",
                      LogGroupName: values.group.trim(),
                      DeliverLogsPermissionArn: role,
                    }
                  : { LogDestinationType: "s3", LogDestination: `arn:aws:s3:::${values.bucket.trim()}` }),
              }),
            );
            refuseUnsuccessful(Unsuccessful);
          };
          if (!toLogs(values) || values.role !== NEW_ROLE) return create(values.role);
          const name = values.roleName.trim();
          const role = await makeDeliveryRole(iam, name, account);
          try {
            await create(role.arn);
          } catch (refused) {
            if (!role.made) throw refused;
            // Without the flow log, the role is useless, and its name would block the next try.
            try {
              await removeDeliveryRole(iam, name);
            } catch (stays) {
              const why = refused instanceof Error ? refused.message : String(refused);
              throw new Error(
                `The flow log was not created (${why}), but its role ${name} was. Delete the role, then try again.`,
                {
                  cause: stays,
                },
              );
            }
            throw refused;
          }
        })
      }
    />
  );
}
