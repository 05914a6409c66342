import type { ContextKeyTypeEnum } from "@aws-sdk/client-iam";
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { CONTEXT_TYPES, type ContextRow } from "./request";

interface Props {
  readonly rows: readonly ContextRow[];
  readonly onChange: (rows: readonly ContextRow[]) => void;
  readonly actions: ReactNode;
}

const TYPES = CONTEXT_TYPES.map((type) => ({ value: type, label: type }));

/** The condition keys of the simulated request. */
export function ContextRows({ rows, onChange, actions }: Props) {
  const set = (index: number, part: Partial<ContextRow>): void =>
    onChange(rows.map((row, at) => (at === index ? { ...row, ...part } : row)));
  return (
    <FormField
      stretch
      label="Condition keys - optional"
      description="What a real request would have: its source address, its VPC endpoint, tags. Leave a key out to test a request without it."
    >
      <SpaceBetween size="s">
        {actions}
        <AttributeEditor
          items={rows}
          addButtonText="Add a key"
          removeButtonText="Remove"
          removeButtonAriaLabel={(row) => `Remove ${row.key}`}
          empty="No condition keys."
          onAddButtonClick={() => onChange([...rows, { key: "", type: "string", value: "" }])}
          onRemoveButtonClick={({ detail }) => onChange(rows.filter((_, index) => index !== detail.itemIndex))}
          definition={[
            {
              label: "Key",
              control: (row, index) => (
                <Input
                  value={row.key}
                  placeholder="aws:SourceVpce"
                  onChange={({ detail }) => set(index, { key: detail.value })}
                />
              ),
            },
            {
              label: "Type",
              control: (row, index) => (
                <Select
                  selectedOption={{ value: row.type, label: row.type }}
                  options={TYPES}
                  onChange={({ detail }) => set(index, { type: detail.selectedOption.value as ContextKeyTypeEnum })}
                />
              ),
            },
            {
              label: "Value",
              constraintText: (row) => (row.type.endsWith("List") ? "Separate values with commas." : undefined),
              control: (row, index) => (
                <Input value={row.value} onChange={({ detail }) => set(index, { value: detail.value })} />
              ),
            },
          ]}
        />
      </SpaceBetween>
    </FormField>
  );
}
