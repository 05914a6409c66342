import { ModifyVpcEndpointCommand, type VpcEndpoint } from "@aws-sdk/client-ec2";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { getConfig } from "../../api/config";
import { ErrorAlert } from "../../components/ErrorAlert";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import {
  formatJson,
  isPolicyError,
  type PolicyProblem,
  problemsOf,
  syntaxProblem,
} from "../../components/policy/problems";
import { useAttempt } from "../../components/useAttempt";
import { useSignedIn } from "../../session/session";
import { useChange } from "../data/use";
import { FieldsModal } from "../forms/FieldsModal";
import { linesOf } from "../forms/fields";
import { MOST_CHARACTERS, policyProblems } from "../policy/check";
import { closedPolicy, OPEN_POLICY } from "../policy/closed";

/** The policy of an endpoint, which is evaluated at every request. */
export function PolicyPanel({ item }: { readonly item: VpcEndpoint }) {
  const { account } = useSignedIn().identity;
  const change = useChange();
  const stored = item.PolicyDocument ?? "";
  const [draft, setDraft] = useState<string>();
  const [choosing, setChoosing] = useState(false);
  const [refused, setRefused] = useState<readonly PolicyProblem[]>([]);
  const { busy, error, attempt } = useAttempt();
  const problems = draft === undefined ? [] : policyProblems(draft);
  const edit = (text: string | undefined): void => {
    setDraft(text);
    setRefused([]);
  };
  const save = (request: { PolicyDocument: string } | { ResetPolicy: true }): Promise<void> =>
    attempt(async () => {
      setRefused([]);
      try {
        await change(`The policy of ${item.VpcEndpointId} takes effect with the next request.`, (ec2) =>
          ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: item.VpcEndpointId, ...request })),
        );
      } catch (thrown) {
        if (isPolicyError(thrown) && draft !== undefined) setRefused(problemsOf(thrown, draft));
        throw thrown;
      }
      edit(undefined);
    });
  const actions =
    draft === undefined ? (
      <SpaceBetween direction="horizontal" size="xs">
        <Button onClick={() => setChoosing(true)}>Limit it to my buckets</Button>
        <Button onClick={() => edit(stored === "" ? OPEN_POLICY : formatJson(stored))}>Edit policy</Button>
      </SpaceBetween>
    ) : (
      <SpaceBetween direction="horizontal" size="xs">
        <Button variant="link" onClick={() => edit(undefined)}>
          Cancel
        </Button>
        <Button loading={busy} onClick={() => void save({ ResetPolicy: true })}>
          Allow everything
        </Button>
        <Button
          variant="primary"
          loading={busy}
          disabled={problems.length > 0 || syntaxProblem(draft) !== undefined}
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
          description="What this endpoint allows. The policies of roles and buckets apply as well."
          actions={actions}
        >
          Policy
        </Header>
      }
    >
      <SpaceBetween size="s">
        {draft === undefined ? (
          <Box>
            <code className="mono">{formatJson(stored) || "Everything is allowed."}</code>
          </Box>
        ) : (
          <PolicyEditor
            label={`Policy of ${item.VpcEndpointId}`}
            value={draft}
            onChange={edit}
            errors={[...refused, ...problems]}
            limit={MOST_CHARACTERS}
            countsSpace
          />
        )}
        {error !== undefined && <ErrorAlert what="The policy cannot be saved" error={error} />}
      </SpaceBetween>
      {choosing && (
        <FieldsModal
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
                "The buckets that jobs read and write, one per line. The policy opens in the editor and is not saved yet.",
            },
          ]}
          onSubmit={async ({ buckets }) => edit(closedPolicy(account, linesOf(buckets), getConfig().region))}
        />
      )}
    </Container>
  );
}
