import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";
import type { ReactNode } from "react";
import { MOST_TAGS, type Tag, type TagErrors } from "./tags";

interface Props {
  readonly value: readonly Tag[];
  readonly onChange: (tags: readonly Tag[]) => void;
  /** The current problems of each tag. */
  readonly errors: readonly TagErrors[];
  readonly most?: number;
  readonly actions?: ReactNode;
  readonly info: ReactNode;
}

/** Tags, one per row, which can be edited. */
export function TagRows({ value, onChange, errors, most = MOST_TAGS, actions, info }: Props) {
  const set = (index: number, change: Partial<Tag>): void =>
    onChange(value.map((tag, at) => (at === index ? { ...tag, ...change } : tag)));
  return (
    <AttributeEditor
      items={value}
      addButtonText="Add tag"
      removeButtonText="Remove tag"
      removeButtonAriaLabel={(tag) => `Remove tag ${tag.Key}`}
      disableAddButton={value.length >= most}
      onAddButtonClick={() => onChange([...value, { Key: "", Value: "" }])}
      onRemoveButtonClick={({ detail }) => onChange(value.filter((_, index) => index !== detail.itemIndex))}
      empty="No tags."
      additionalActions={actions}
      additionalInfo={info}
      definition={[
        {
          label: "Key",
          control: (tag, index) => (
            <Input
              value={tag.Key}
              autoComplete={false}
              ariaLabel={`Key of tag ${index + 1}`}
              onChange={({ detail }) => set(index, { Key: detail.value })}
            />
          ),
          errorText: (_, index) => errors[index]?.key,
        },
        {
          label: "Value - optional",
          control: (tag, index) => (
            <Input
              value={tag.Value}
              autoComplete={false}
              ariaLabel={`Value of tag ${index + 1}`}
              onChange={({ detail }) => set(index, { Value: detail.value })}
            />
          ),
          errorText: (_, index) => errors[index]?.value,
        },
      ]}
    />
  );
}
