import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { ENTITY_TYPES } from "./recognizerDraft";
import type { Problems } from "./training";

interface Props {
  readonly types: readonly string[];
  readonly onChange: (types: readonly string[]) => void;
  readonly problems: Problems;
}

/** The types of entities that a recognizer learns. */
export function EntityTypesField({ types, onChange, problems }: Props) {
  return (
    <FormField
      label="Custom entity types"
      description={`Up to ${ENTITY_TYPES}, as in the training data; by convention in uppercase letters with underscores.`}
      errorText={problems["types"]}
      stretch
    >
      <AttributeEditor
        items={types}
        addButtonText="Add type"
        removeButtonText="Remove"
        removeButtonAriaLabel={(type) => `Remove type ${type}`}
        disableAddButton={types.length >= ENTITY_TYPES}
        onAddButtonClick={() => onChange([...types, ""])}
        onRemoveButtonClick={({ detail }) => onChange(types.filter((_, index) => index !== detail.itemIndex))}
        empty="No types."
        definition={[
          {
            label: "Type",
            control: (type, index) => (
              <Input
                value={type}
                placeholder="ENGINEER"
                autoComplete={false}
                spellcheck={false}
                ariaLabel={`Type ${index + 1}`}
                onChange={({ detail }) => onChange(types.map((each, at) => (at === index ? detail.value : each)))}
              />
            ),
            errorText: (_, index) => problems[`type-${index}`],
          },
        ]}
      />
    </FormField>
  );
}
