import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Textarea from "@cloudscape-design/components/textarea";

interface Props {
  readonly value: string;
  readonly onChange: (policy: string) => void;
  readonly problem: string | undefined;
}

/** The policy that a model has from its beginning. */
export function PolicyField({ value, onChange, problem }: Props) {
  return (
    <ExpandableSection
      variant="container"
      headerText="Model policy - optional"
      headerDescription="Lets other accounts import the model. It can be given later, too."
      defaultExpanded={value !== ""}
    >
      <FormField
        label="Policy"
        description="JSON with a Principal; comprehend:ImportModel is the only action."
        stretch
        errorText={problem}
      >
        <Textarea
          value={value}
          onChange={({ detail }) => onChange(detail.value)}
          rows={10}
          spellcheck={false}
          disableBrowserAutocorrect
        />
      </FormField>
    </ExpandableSection>
  );
}
