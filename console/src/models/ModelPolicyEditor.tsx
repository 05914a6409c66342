import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { ErrorAlert } from "../components/ErrorAlert";
import { PolicyEditor } from "../components/policy/PolicyEditor";
import { formatJson } from "../components/policy/problems";
import { useAttempt } from "../components/useAttempt";
import { useSignedIn } from "../session/session";
import { examplePolicy, MOST_CHARACTERS, policyProblem, policyProblems } from "./policy";

interface Props {
  readonly arn: string;
  readonly text: string | undefined;
  readonly onPut: (policy: string) => Promise<void>;
  readonly onCancel: () => void;
}

/** The editor of a model's policy. */
export function ModelPolicyEditor({ arn, text = "", onPut, onCancel }: Props) {
  const { identity } = useSignedIn();
  const [draft, setDraft] = useState(formatJson(text));
  const { busy, error, attempt } = useAttempt();
  return (
    <SpaceBetween size="m">
      <PolicyEditor
        label="Policy"
        description="Principal names who may import; comprehend:ImportModel is the only action."
        value={draft}
        onChange={setDraft}
        errors={policyProblems(draft)}
        limit={MOST_CHARACTERS}
        countsSpace
        optional
      />
      {error !== undefined && <ErrorAlert what="The policy cannot be saved" error={error} />}
      <SpaceBetween direction="horizontal" size="xs">
        <Button
          variant="primary"
          disabled={policyProblem(draft) !== undefined}
          loading={busy}
          onClick={() => void attempt(() => onPut(draft.trim()))}
        >
          Save policy
        </Button>
        <Button onClick={() => setDraft(examplePolicy(arn, identity.account))}>Insert an example</Button>
        <Button variant="link" onClick={onCancel}>
          Cancel
        </Button>
      </SpaceBetween>
    </SpaceBetween>
  );
}
