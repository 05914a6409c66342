import { CreateFlowLogsCommand, type FlowLogsResourceType, type TrafficType } from "@aws-sdk/client-ec2";
import { ListRolesCommand, type ListRolesCommandOutput, type Role } from "@aws-sdk/client-iam";
import { useQuery } from "@tanstack/react-query";
import { useIam } from "../../api/iam";
import { interfaces, subnets, vpcs } from "../data/reads";
import { refuseUnsuccessful } from "../data/unsuccessful";
import { useChange, useRead } from "../data/use";
import { EXTENDED_FORMAT } from "../flow/format";
import { makeDeliveryRole } from "../flow/makeRole";
import { trustsFlowLogs } from "../flow/roles";
import { nameTag } from "../ids";
import { interfaceChoices, subnetChoices, vpcChoices } from "./choices";
import { FormModal } from "./FormModal";
import type { Choice } from "./fields";

const NEW_ROLE = "new";

export function CreateFlowLog({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const iam = useIam();
  const nets = useRead(vpcs).data;
  const places = useRead(subnets).data;
  const ends = useRead(interfaces).data;
  const roles = useDeliveryRoles();
  const resources = (type: string): Choice[] =>
    type === "VPC" ? vpcChoices(nets) : type === "Subnet" ? subnetChoices(places) : interfaceChoices(ends);
  const toLogs = ({ to }: { to: string }): boolean => to === "cloud-watch-logs";
  return (
    <FormModal
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
          label: "Of what",
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
            { value: "ALL", label: "What passed and what was refused" },
            { value: "ACCEPT", label: "What passed" },
            { value: "REJECT", label: "What was refused" },
          ],
        },
        {
          key: "to",
          label: "Goes to",
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
          description: "It is made if it is not there.",
        },
        {
          key: "role",
          label: "Role",
          kind: "select",
          shown: toLogs,
          description: "It trusts vpc-flow-logs.amazonaws.com and may write log events.",
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
          description: "Its policy is completed for the delivery, if the bucket is yours.",
        },
        {
          key: "fields",
          label: "Fields",
          kind: "choice",
          choices: () => [
            { value: "extended", label: "With direction, way, and the packets' own addresses" },
            { value: "default", label: "AWS's default fields" },
          ],
        },
      ]}
      onSubmit={(values) =>
        change("The flow log is created.", async (ec2) => {
          const role =
            toLogs(values) && values.role === NEW_ROLE
              ? await makeDeliveryRole(iam, values.roleName.trim())
              : values.role;
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
        })
      }
    />
  );
}

/** The account's roles that flow logs may be delivered with; none while they cannot be listed. */
export function useDeliveryRoles(): readonly Role[] {
  const iam = useIam();
  const { data } = useQuery({
    queryKey: ["iam", "ListRoles"],
    queryFn: async () => {
      const found: Role[] = [];
      let Marker: string | undefined;
      do {
        const answer: ListRolesCommandOutput = await iam.send(new ListRolesCommand({ MaxItems: 1000, Marker }));
        found.push(...(answer.Roles ?? []));
        Marker = answer.IsTruncated ? answer.Marker : undefined;
      } while (Marker !== undefined);
      return found;
    },
  });
  return (data ?? []).filter((role) => trustsFlowLogs(role.AssumeRolePolicyDocument));
}
