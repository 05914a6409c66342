import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { hasCode } from "../../api/errors";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useAttempt } from "../../components/useAttempt";
import { groupRules } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { allowsOwnMembers, selfPermission } from "../rules";

/** Adds with one click what a job of several containers needs: a rule of the group for itself, in and out. */
export function SelfRulePanel({ item }: { readonly item: SecurityGroup }) {
  const { busy, error, attempt } = useAttempt();
  const change = useChange();
  const rules = useRead(groupRules).data;
  const GroupId = item.GroupId ?? "";
  if (rules === undefined || allowsOwnMembers(GroupId, rules)) return null;
  const add = (): Promise<void> =>
    attempt(() =>
      change("Containers of a job with this group can reach each other.", async (ec2) => {
        const request = { GroupId, IpPermissions: [selfPermission(GroupId)] };
        await addRule(() => ec2.send(new AuthorizeSecurityGroupIngressCommand(request)));
        await addRule(() => ec2.send(new AuthorizeSecurityGroupEgressCommand(request)));
      }),
    );
  return (
    <SpaceBetween size="s">
      <Alert
        type="info"
        header="Containers of one job cannot reach each other with this group"
        action={
          <Button loading={busy} onClick={() => void add()}>
            Let containers of a job reach each other
          </Button>
        }
      >
        A large job runs in several containers. They need a rule of the group that allows TCP between its own members.
        No other job can use it: each job has its own certificates.
      </Alert>
      {error !== undefined && <ErrorAlert what="The rule cannot be added" error={error} />}
    </SpaceBetween>
  );
}

/** Add a rule. One direction may have it already, so a duplicate is not an error. */
async function addRule(send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!hasCode(error, "InvalidPermission.Duplicate")) throw error;
  }
}
