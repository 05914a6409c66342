import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorAlert } from "../components/ErrorAlert";
import { useSignedIn } from "../session/session";
import { examplePolicy, policyProblem, prettyPolicy } from "./policy";

interface Props {
  readonly arn: string;
  readonly text: string | undefined;
  readonly onPut: (policy: string) => Promise<void>;
  readonly onCancel: () => void;
}

/** A text box for a model's policy that says what is wrong while it is written. */
export function PolicyEditor({ arn, text, onPut, onCancel }: Props) {
  const { identity } = useSignedIn();
  const [draft, setDraft] = useState(text === undefined ? "" : prettyPolicy(text));
  const put = useMutation({ mutationFn: onPut });
  const problem = policyProblem(draft);
  return (
    <SpaceBetween size="m">
      <FormField
        label="Policy"
        description="JSON. Principal names who may import; comprehend:ImportModel is the only action."
        stretch
        errorText={draft !== "" && problem}
      >
        <Textarea
          value={draft}
          onChange={({ detail }) => setDraft(detail.value)}
          rows={16}
          spellcheck={false}
          disableBrowserAutocorrect
        />
      </FormField>
      {put.error !== null && <ErrorAlert what="The policy cannot be put" error={put.error} />}
      <SpaceBetween direction="horizontal" size="xs">
        <Button
          variant="primary"
          disabled={problem !== undefined}
          loading={put.isPending}
          onClick={() => put.mutate(draft.trim())}
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
