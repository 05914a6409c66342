import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { hasCode } from "../../api/errors";
import { useNotices } from "../../components/Notifications";
import { groupRules } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { letsItselfIn, selfPermission } from "../rules";

/** One click for what a job of several containers needs: a rule of the group for itself, in and out. */
export function SelfRulePanel({ item }: { readonly item: SecurityGroup }) {
  const [busy, setBusy] = useState(false);
  const change = useChange();
  const notices = useNotices();
  const rules = useRead(groupRules).data;
  const GroupId = item.GroupId ?? "";
  if (rules === undefined || letsItselfIn(GroupId, rules)) return null;
  const add = async (): Promise<void> => {
    setBusy(true);
    try {
      await change("Containers of a job with this group reach each other.", async (ec2) => {
        const request = { GroupId, IpPermissions: [selfPermission(GroupId)] };
        for (const command of [
          new AuthorizeSecurityGroupIngressCommand(request),
          new AuthorizeSecurityGroupEgressCommand(request),
        ])
          try {
            await ec2.send(command as AuthorizeSecurityGroupIngressCommand);
          } catch (error) {
            // One direction may have the rule already: what lacks is the other.
            if (!hasCode(error, "InvalidPermission.Duplicate")) throw error;
          }
      });
    } catch (error) {
      notices.failure("The rule cannot be added", error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Alert
      type="info"
      header="Containers of one job cannot reach each other with this group"
      action={
        <Button loading={busy} onClick={() => void add()}>
          Let containers of a job reach each other
        </Button>
      }
    >
      A large job runs in several containers. They need a rule by which the group lets itself in and out, by TCP. No
      other job is let in by it: each job has certificates of its own.
    </Alert>
  );
}
