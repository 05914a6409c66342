import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  ModifySecurityGroupRulesCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
  type SecurityGroupRule,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ResourceTable } from "../../components/ResourceTable";
import { groupRules } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { IdLink } from "../IdLink";
import { peerOf, permissionOf, portsText, protocolText, type RuleDraft } from "../rules";
import { RuleForm } from "./RuleForm";

interface Props {
  readonly item: SecurityGroup;
  readonly egress: boolean;
}

/** The rules of a group in one direction, with an editor. */
export function RulesPanel({ item, egress }: Props) {
  const { data, error, isPending, refetch } = useRead(groupRules);
  const [editing, setEditing] = useState<SecurityGroupRule | "new">();
  const [removing, setRemoving] = useState<SecurityGroupRule>();
  const change = useChange();
  const GroupId = item.GroupId ?? "";
  const rules = data?.filter((rule) => rule.GroupId === GroupId && rule.IsEgress === egress);
  const save = (draft: RuleDraft): Promise<void> =>
    change(`The rules of ${GroupId} are changed.`, (ec2) => {
      if (editing !== "new" && editing !== undefined) return ec2.send(modification(GroupId, editing, draft));
      const request = { GroupId, IpPermissions: [permissionOf(draft)] };
      return egress
        ? ec2.send(new AuthorizeSecurityGroupEgressCommand(request))
        : ec2.send(new AuthorizeSecurityGroupIngressCommand(request));
    });
  return (
    <>
      <ResourceTable
        title={egress ? "Outbound rules" : "Inbound rules"}
        noun="rule"
        items={rules}
        loading={isPending}
        error={error}
        onRefresh={() => void refetch()}
        keyOf={(rule) => rule.SecurityGroupRuleId ?? ""}
        empty={
          egress
            ? "No outbound traffic is allowed. Add what a job needs: S3's prefix list, port 443."
            : "No inbound traffic is allowed."
        }
        description="Rules allow traffic; what no rule allows is refused. Replies to allowed traffic need no rule."
        actions={<Button onClick={() => setEditing("new")}>{egress ? "Add outbound rule" : "Add inbound rule"}</Button>}
        columns={[
          {
            id: "rule",
            header: "Rule",
            cell: (rule) => rule.SecurityGroupRuleId,
            value: (rule) => rule.SecurityGroupRuleId,
          },
          {
            id: "protocol",
            header: "Protocol",
            cell: (rule) => protocolText(rule.IpProtocol),
            value: (rule) => rule.IpProtocol,
          },
          { id: "ports", header: "Ports", cell: portsText, value: portsText },
          {
            id: "peer",
            header: egress ? "Destination" : "Source",
            cell: (rule) => (
              <>
                <IdLink id={peerOf(rule)} />
                {peerOf(rule) === GroupId && " (this group)"}
              </>
            ),
            value: peerOf,
          },
          {
            id: "description",
            header: "Description",
            cell: (rule) => <bdi>{rule.Description ?? "-"}</bdi>,
            value: (rule) => rule.Description,
          },
          {
            id: "edit",
            header: "Change",
            cell: (rule) => (
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  variant="inline-link"
                  ariaLabel={`Edit rule ${rule.SecurityGroupRuleId}`}
                  onClick={() => setEditing(rule)}
                >
                  Edit
                </Button>
                <Button
                  variant="inline-link"
                  ariaLabel={`Delete rule ${rule.SecurityGroupRuleId}`}
                  onClick={() => setRemoving(rule)}
                >
                  Delete
                </Button>
              </SpaceBetween>
            ),
          },
        ]}
      />
      {editing !== undefined && (
        <RuleForm
          rule={editing === "new" ? undefined : editing}
          egress={egress}
          vpcId={item.VpcId}
          onSubmit={save}
          onDismiss={() => setEditing(undefined)}
        />
      )}
      {removing !== undefined && (
        <ConfirmModal
          title={`Delete rule ${removing.SecurityGroupRuleId}?`}
          action="Delete"
          onDismiss={() => setRemoving(undefined)}
          onConfirm={async () => {
            const request = { GroupId, SecurityGroupRuleIds: [removing.SecurityGroupRuleId ?? ""] };
            await change("The rule is deleted.", (ec2) =>
              egress
                ? ec2.send(new RevokeSecurityGroupEgressCommand(request))
                : ec2.send(new RevokeSecurityGroupIngressCommand(request)),
            );
            setRemoving(undefined);
          }}
        >
          New connections are refused at once. Open ones continue until they end.
        </ConfirmModal>
      )}
    </>
  );
}

/** Change a rule in place: it keeps its id, its direction and the kind of its peer. */
function modification(GroupId: string, rule: SecurityGroupRule, draft: RuleDraft): ModifySecurityGroupRulesCommand {
  const { IpProtocol, FromPort, ToPort } = permissionOf(draft);
  return new ModifySecurityGroupRulesCommand({
    GroupId,
    SecurityGroupRules: [
      {
        SecurityGroupRuleId: rule.SecurityGroupRuleId,
        SecurityGroupRule: {
          IpProtocol,
          FromPort: FromPort ?? -1,
          ToPort: ToPort ?? -1,
          ...(draft.description.trim() !== "" && { Description: draft.description.trim() }),
          ...(draft.peerKind === "cidr" && { CidrIpv4: draft.cidr.trim() }),
          ...(draft.peerKind === "group" && { ReferencedGroupId: draft.group }),
          ...(draft.peerKind === "list" && { PrefixListId: draft.list }),
        },
      },
    ],
  });
}
