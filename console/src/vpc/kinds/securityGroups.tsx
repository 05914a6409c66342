import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  RevokeSecurityGroupEgressCommand,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { securityGroups, vpcs } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { vpcChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import { IdLink } from "../IdLink";
import { nameTag } from "../ids";
import { InterfacesPanel } from "../panels/InterfacesPanel";
import { RulesPanel } from "../panels/RulesPanel";
import { SelfRulePanel } from "../panels/SelfRulePanel";
import { selfPermission } from "../rules";
import type { Kind } from "./kind";

function CreateGroup({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const nets = useRead(vpcs).data;
  return (
    <FieldsModal
      title="Create security group"
      action="Create security group"
      onDismiss={onDismiss}
      initial={{ name: "", description: "", vpc: "", self: true, closed: false }}
      fields={[
        { key: "name", label: "Group name", kind: "text" },
        { key: "description", label: "Description", kind: "text", description: "It cannot be changed later." },
        { key: "vpc", label: "VPC", kind: "select", choices: () => vpcChoices(nets) },
        {
          key: "self",
          label: "Let containers of a job reach each other",
          kind: "check",
          description:
            "Adds a rule by which members of the group can reach each other. Jobs of several containers need it.",
        },
        {
          key: "closed",
          label: "Allow no outbound traffic at first",
          kind: "check",
          description: "Removes the rule that allows all outbound traffic. You can then add rules for what you allow.",
        },
      ]}
      onSubmit={(values) =>
        change("The security group is created.", async (ec2) => {
          const { GroupId } = await ec2.send(
            new CreateSecurityGroupCommand({
              GroupName: values.name.trim(),
              Description: values.description.trim(),
              VpcId: values.vpc,
              TagSpecifications: nameTag("security-group", values.name),
            }),
          );
          if (GroupId === undefined) throw new Error("CreateSecurityGroup returned no id");
          if (values.self)
            await ec2.send(
              new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [selfPermission(GroupId)] }),
            );
          if (values.closed)
            await ec2.send(
              new RevokeSecurityGroupEgressCommand({
                GroupId,
                IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
              }),
            );
        })
      }
    />
  );
}

export const SECURITY_GROUPS: Kind<SecurityGroup> = {
  path: "/vpc/security-groups",
  title: "Security groups",
  noun: "security group",
  idPrefix: "sg-",
  read: securityGroups,
  idOf: (group) => group.GroupId ?? "",
  tagsOf: (group) => group.Tags,
  columns: [
    {
      id: "group",
      header: "Group name",
      cell: (group) => <bdi>{group.GroupName}</bdi>,
      value: (group) => group.GroupName,
    },
    { id: "vpc", header: "VPC", cell: (group) => <IdLink id={group.VpcId} />, value: (group) => group.VpcId },
    {
      id: "description",
      header: "Description",
      cell: (group) => <bdi>{group.Description}</bdi>,
      value: (group) => group.Description,
    },
  ],
  details: (group) => [
    { label: "Group name", value: <bdi>{group.GroupName}</bdi> },
    { label: "Description", value: <bdi>{group.Description}</bdi> },
    { label: "VPC", value: <IdLink id={group.VpcId} /> },
    { label: "Owner", value: group.OwnerId },
  ],
  empty:
    "A security group defines what may reach an interface and what the interface may reach. Every VPC has a default one.",
  create: { label: "Create security group", Form: CreateGroup },
  remove: {
    act: (ec2, group) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: group.GroupId })),
    forbidden: (group) =>
      group.GroupName === "default" ? "The default group is deleted only with its VPC." : undefined,
  },
  panels: [
    SelfRulePanel,
    ({ item }) => <RulesPanel item={item} egress={false} />,
    ({ item }) => <RulesPanel item={item} egress />,
    ({ item }) => (
      <InterfacesPanel
        title="Network interfaces that have it"
        of={(each) => each.Groups?.some((group) => group.GroupId === item.GroupId) ?? false}
      />
    ),
  ],
};
