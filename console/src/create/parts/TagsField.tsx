import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Input from "@cloudscape-design/components/input";
import { CONTAINERS_TAG, MOST_CONTAINERS, MOST_TAGS, type Tag, tagErrors } from "./tags";

interface Props {
  readonly value: readonly Tag[];
  readonly onChange: (tags: readonly Tag[]) => void;
  /** Whether errors of empty rows are shown: not while somebody still types. */
  readonly showErrors?: boolean;
}

/** The rows of tags, and the one tag that this service itself reads. */
export function TagsField({ value, onChange, showErrors = true }: Props) {
  const errors = tagErrors(value);
  const set = (index: number, change: Partial<Tag>): void =>
    onChange(value.map((tag, at) => (at === index ? { ...tag, ...change } : tag)));
  const hasContainers = value.some((tag) => tag.Key === CONTAINERS_TAG);
  return (
    <AttributeEditor
      items={value}
      addButtonText="Add tag"
      removeButtonText="Remove tag"
      removeButtonAriaLabel={(tag) => `Remove tag ${tag.Key}`}
      disableAddButton={value.length >= MOST_TAGS}
      onAddButtonClick={() => onChange([...value, { Key: "", Value: "" }])}
      onRemoveButtonClick={({ detail }) => onChange(value.filter((_, index) => index !== detail.itemIndex))}
      empty="No tags."
      additionalActions={
        !hasContainers && (
          <Button formAction="none" onClick={() => onChange([...value, { Key: CONTAINERS_TAG, Value: "1" }])}>
            Set containers
          </Button>
        )
      }
      additionalInfo={
        <>
          The tag <Box variant="code">{CONTAINERS_TAG}</Box> says in how many containers the work runs, from 1 to{" "}
          {MOST_CONTAINERS}. Without it the service decides by the size of the input. There can be {MOST_TAGS} tags.
        </>
      }
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
          errorText: (tag, index) => (showErrors || tag.Key !== "" ? errors[index]?.key : undefined),
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
