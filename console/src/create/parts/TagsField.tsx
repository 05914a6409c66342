import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { TagRows } from "../../components/tags/TagRows";
import { MOST_TAGS, type Tag } from "../../components/tags/tags";
import { CONTAINERS_TAG, jobTagErrors, MOST_CONTAINERS } from "./tags";

interface Props {
  readonly value: readonly Tag[];
  readonly onChange: (tags: readonly Tag[]) => void;
  /** Whether errors of empty rows are shown: not while the user is still typing. */
  readonly showErrors: boolean;
}

/** The rows of tags, with a button for the number of containers. */
export function TagsField({ value, onChange, showErrors }: Props) {
  const errors = jobTagErrors(value).map(({ key, ...rest }, index) =>
    key !== undefined && (showErrors || value[index]?.Key !== "") ? { key, ...rest } : rest,
  );
  const hasContainers = value.some((tag) => tag.Key === CONTAINERS_TAG);
  return (
    <TagRows
      value={value}
      onChange={onChange}
      errors={errors}
      actions={
        !hasContainers && (
          <Button formAction="none" onClick={() => onChange([...value, { Key: CONTAINERS_TAG, Value: "1" }])}>
            Set containers
          </Button>
        )
      }
      info={
        <>
          The tag <Box variant="code">{CONTAINERS_TAG}</Box> sets how many containers do the work, from 1 to{" "}
          {MOST_CONTAINERS}. Without it, the size of the input decides. A job can have {MOST_TAGS} tags.
        </>
      }
    />
  );
}
