import ExpandableSection from "@cloudscape-design/components/expandable-section";
import { useState } from "react";
import { PolicyEditor } from "../components/policy/PolicyEditor";
import { MOST_CHARACTERS, policyProblems } from "./policy";

interface Props {
  readonly value: string;
  readonly onChange: (policy: string) => void;
  /** The problems that the service found in the policy. */
  readonly refusal: string | undefined;
}

/** The policy that a model is created with. */
export function PolicyField({ value, onChange, refusal }: Props) {
  const [expanded, setExpanded] = useState(value !== "");
  return (
    <ExpandableSection
      variant="container"
      headerText="Model policy - optional"
      headerDescription="Allows other accounts to import the model. You can also create it later."
      expanded={expanded}
      onChange={({ detail }) => setExpanded(detail.expanded)}
    >
      {/* The editor is large: it is not loaded for a form that gives no policy. */}
      {expanded && (
        <PolicyEditor
          label="Policy"
          description="JSON with a Principal; comprehend:ImportModel is the only action."
          value={value}
          onChange={onChange}
          errors={[...(refusal === undefined ? [] : [{ message: refusal }]), ...policyProblems(value)]}
          limit={MOST_CHARACTERS}
          countsSpace
          optional
        />
      )}
    </ExpandableSection>
  );
}
