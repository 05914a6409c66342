import "../vpc.css";
import { ModifyVpcEndpointCommand, type VpcEndpoint } from "@aws-sdk/client-ec2";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { lazy, Suspense, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useSignedIn } from "../../session/session";
import { useChange } from "../data/use";
import { FormModal } from "../forms/FormModal";
import { linesOf } from "../forms/fields";
import { policyProblems } from "../policy/check";
import { closedPolicy } from "../policy/closed";

const JsonEditor = lazy(() => import("../policy/JsonEditor"));

/** What may pass an endpoint, decided at every request. */
export function PolicyPanel({ item }: { readonly item: VpcEndpoint }) {
  const { account } = useSignedIn().identity;
  const change = useChange();
  const stored = item.PolicyDocument ?? "";
  const [draft, setDraft] = useState<string>();
  const [choosing, setChoosing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const problems = draft === undefined ? [] : policyProblems(draft);
  const save = async (request: { PolicyDocument: string } | { ResetPolicy: true }): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await change(`The policy of ${item.VpcEndpointId} holds for the next request.`, (ec2) =>
        ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: item.VpcEndpointId, ...request })),
      );
      setDraft(undefined);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  const actions =
    draft === undefined ? (
      <SpaceBetween direction="horizontal" size="xs">
        <Button onClick={() => setChoosing(true)}>Close it</Button>
        <Button onClick={() => setDraft(pretty(stored))}>Edit policy</Button>
      </SpaceBetween>
    ) : (
      <SpaceBetween direction="horizontal" size="xs">
        <Button variant="link" onClick={() => setDraft(undefined)}>
          Cancel
        </Button>
        <Button loading={busy} onClick={() => void save({ ResetPolicy: true })}>
          Let everything pass
        </Button>
        <Button
          variant="primary"
          loading={busy}
          disabled={problems.length > 0}
          onClick={() => void save({ PolicyDocument: draft })}
        >
          Save policy
        </Button>
      </SpaceBetween>
    );
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="What may pass this endpoint. Policies of roles and buckets hold besides."
          actions={actions}
        >
          Policy
        </Header>
      }
    >
      <SpaceBetween size="s">
        {draft === undefined ? (
          <Box>
            <code className="mono">{pretty(stored) || "Everything passes."}</code>
          </Box>
        ) : (
          <Suspense fallback={<Box>Loading the editor</Box>}>
            <JsonEditor label={`Policy of ${item.VpcEndpointId}`} value={draft} onChange={setDraft} />
          </Suspense>
        )}
        <div aria-live="polite">
          {problems.length > 0 && (
            <Alert type="warning" header="This policy would be refused">
              <ul>
                {problems.map((problem) => (
                  <li key={problem}>{problem}</li>
                ))}
              </ul>
            </Alert>
          )}
        </div>
        {error !== undefined && <ErrorAlert what="The policy is not saved" error={error} />}
      </SpaceBetween>
      {choosing && (
        <FormModal
          title="Closed: only my account and these buckets"
          action="Write policy"
          initial={{ buckets: "" }}
          onDismiss={() => setChoosing(false)}
          fields={[
            {
              key: "buckets",
              label: "Buckets",
              kind: "lines",
              placeholder: "my-documents",
              description:
                "One a line: where jobs read and write. Nothing is saved yet: the policy opens in the editor.",
            },
          ]}
          onSubmit={async ({ buckets }) => setDraft(closedPolicy(account, linesOf(buckets)))}
        />
      )}
    </Container>
  );
}

/** JSON set out in lines; text that is no JSON stays as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
