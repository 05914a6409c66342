import type { SecurityGroupRule } from "@aws-sdk/client-ec2";
import { prefixLists, securityGroups } from "../data/reads";
import { useRead } from "../data/use";
import { groupChoices, listChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import { peerProblem, portsProblem, portsText } from "../rules";

interface Props {
  readonly rule: SecurityGroupRule | undefined;
  readonly egress: boolean;
  readonly vpcId: string | undefined;
  readonly onSubmit: (draft: {
    protocol: string;
    ports: string;
    peerKind: string;
    cidr: string;
    group: string;
    list: string;
    description: string;
  }) => Promise<void>;
  readonly onDismiss: () => void;
}

/** The form for a rule. The kind of an existing rule's peer cannot change, as EC2 requires. */
export function RuleForm({ rule, egress, vpcId, onSubmit, onDismiss }: Props) {
  const groups = useRead(securityGroups).data;
  const lists = useRead(prefixLists).data;
  const ports = rule === undefined ? "443" : portsText(rule);
  return (
    <FieldsModal
      title={
        rule === undefined ? (egress ? "Add outbound rule" : "Add inbound rule") : `Rule ${rule.SecurityGroupRuleId}`
      }
      action="Save rule"
      onDismiss={onDismiss}
      onSubmit={onSubmit}
      initial={{
        protocol: rule?.IpProtocol ?? "tcp",
        ports: ports === "all" ? "" : ports,
        peerKind: rule?.PrefixListId ? "list" : rule?.ReferencedGroupInfo ? "group" : "cidr",
        cidr: rule?.CidrIpv4 ?? "",
        group: rule?.ReferencedGroupInfo?.GroupId ?? "",
        list: rule?.PrefixListId ?? "",
        description: rule?.Description ?? "",
      }}
      fields={[
        {
          key: "protocol",
          label: "Protocol",
          kind: "select",
          choices: () => [
            { value: "tcp", label: "TCP" },
            { value: "udp", label: "UDP" },
            { value: "icmp", label: "ICMP" },
            { value: "-1", label: "All" },
          ],
        },
        {
          key: "ports",
          label: "Ports",
          kind: "text",
          optional: true,
          placeholder: "443 or 1024-65535; empty for all",
          shown: ({ protocol }) => protocol === "tcp" || protocol === "udp",
          problem: portsProblem,
        },
        {
          key: "peerKind",
          label: egress ? "Destination" : "Source",
          kind: "choice",
          shown: () => rule === undefined,
          choices: () => [
            { value: "cidr", label: "A network" },
            { value: "group", label: "A security group", description: "The interfaces that have it." },
            { value: "list", label: "A prefix list", description: "S3 has one of AWS's own." },
          ],
        },
        {
          key: "cidr",
          label: "Network",
          kind: "text",
          placeholder: "10.0.0.0/16",
          shown: ({ peerKind }) => peerKind === "cidr",
          problem: peerProblem,
        },
        {
          key: "group",
          label: "Security group",
          kind: "select",
          shown: ({ peerKind }) => peerKind === "group",
          choices: () => groupChoices(groups, vpcId),
        },
        {
          key: "list",
          label: "Prefix list",
          kind: "select",
          shown: ({ peerKind }) => peerKind === "list",
          choices: () => listChoices(lists),
        },
        { key: "description", label: "Description", kind: "text", optional: true },
      ]}
    />
  );
}
