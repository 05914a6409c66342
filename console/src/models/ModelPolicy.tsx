import {
  DeleteResourcePolicyCommand,
  DescribeResourcePolicyCommand,
  PutResourcePolicyCommand,
} from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { ConfirmModal } from "../components/ConfirmModal";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatTime } from "../components/format";
import { useNotices } from "../components/Notifications";
import { formatJson } from "../components/policy/problems";
import { ModelPolicyEditor } from "./ModelPolicyEditor";

/** The model's resource policy: who else may import it. */
export function ModelPolicy({ arn }: { readonly arn: string }) {
  const client = useComprehend();
  const notices = useNotices();
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["comprehend", "DescribeResourcePolicy", arn],
    queryFn: async ({ signal }) => {
      const command = new DescribeResourcePolicyCommand({ ResourceArn: arn });
      const { $metadata, ...policy } = await client.send(command, { abortSignal: signal });
      return policy;
    },
  });
  if (error !== null) {
    return <ErrorAlert what="The policy cannot be read" error={error} onRetry={() => void refetch()} />;
  }
  const text = data?.ResourcePolicy;
  const revision = data?.PolicyRevisionId;
  const put = async (policy: string): Promise<void> => {
    // With the revision that was read, so that a change by somebody else is not overwritten.
    const known = revision === undefined ? {} : { PolicyRevisionId: revision };
    await client.send(new PutResourcePolicyCommand({ ResourceArn: arn, ResourcePolicy: policy, ...known }));
    setEditing(false);
    notices.success("The model's policy is saved.");
    await refetch();
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Allows other accounts to import the model. Without a policy, none can."
          actions={
            !editing && (
              <SpaceBetween direction="horizontal" size="xs">
                {text !== undefined && <Button onClick={() => setDeleting(true)}>Delete policy</Button>}
                <Button disabled={data === undefined} onClick={() => setEditing(true)}>
                  {text === undefined ? "Create policy" : "Edit policy"}
                </Button>
              </SpaceBetween>
            )
          }
        >
          Resource policy
        </Header>
      }
    >
      {editing && <ModelPolicyEditor arn={arn} text={text} onPut={put} onCancel={() => setEditing(false)} />}
      {!editing && text !== undefined && (
        <SpaceBetween size="s">
          <pre className="mono">{formatJson(text)}</pre>
          <Box color="text-body-secondary">
            Revision {revision}
            {data?.LastModifiedTime && `, changed ${formatTime(data.LastModifiedTime)}`}.
          </Box>
        </SpaceBetween>
      )}
      {data === undefined && <StatusIndicator type="loading">Reading the policy</StatusIndicator>}
      {!editing && data !== undefined && text === undefined && (
        <Box variant="p">
          The model has no policy. Users of this account import it with their own permissions; create a policy to allow
          another account to import it.
        </Box>
      )}
      {deleting && (
        <ConfirmModal
          title="Delete the model's policy?"
          action="Delete"
          onDismiss={() => setDeleting(false)}
          onConfirm={async () => {
            await client.send(new DeleteResourcePolicyCommand({ ResourceArn: arn, PolicyRevisionId: revision }));
            setDeleting(false);
            notices.success("The model's policy is deleted.");
            await refetch();
          }}
        >
          <Box variant="p">Accounts that it allows can no longer import the model. Existing copies stay.</Box>
        </ConfirmModal>
      )}
    </Container>
  );
}
