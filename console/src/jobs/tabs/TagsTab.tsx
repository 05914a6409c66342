import { ListTagsForResourceCommand, TagResourceCommand, UntagResourceCommand } from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../../api/comprehend";
import { useNotices } from "../../components/Notifications";
import { type Column, ResourceTable } from "../../components/ResourceTable";

interface TagRow {
  readonly key: string;
  readonly value: string;
}

/** The tags of a job, read and changed. */
export function TagsTab({ arn }: { readonly arn: string }) {
  const client = useComprehend();
  const queries = useQueryClient();
  const notices = useNotices();
  const queryKey = ["comprehend", "ListTagsForResource", arn];
  const { data, error, isPending, refetch } = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const answer = await client.send(new ListTagsForResourceCommand({ ResourceArn: arn }), { abortSignal: signal });
      return (answer.Tags ?? []).map(({ Key, Value }) => ({ key: Key ?? "", value: Value ?? "" }));
    },
  });
  const changed = (): Promise<void> => queries.invalidateQueries({ queryKey });
  const add = useMutation({
    mutationFn: (tag: TagRow) =>
      client.send(new TagResourceCommand({ ResourceArn: arn, Tags: [{ Key: tag.key, Value: tag.value }] })),
    onSuccess: changed,
    onError: (thrown) => notices.failure("The tag cannot be set", thrown),
  });
  const remove = useMutation({
    mutationFn: (key: string) => client.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: [key] })),
    onSuccess: changed,
    onError: (thrown) => notices.failure("The tag cannot be removed", thrown),
  });
  const columns: readonly Column<TagRow>[] = [
    { id: "key", header: "Key", cell: ({ key }) => <bdi>{key}</bdi>, value: ({ key }) => key },
    { id: "value", header: "Value", cell: ({ value }) => <bdi>{value}</bdi>, value: ({ value }) => value },
    {
      id: "remove",
      header: "Remove",
      cell: ({ key }) => (
        <Button variant="inline-link" ariaLabel={`Remove the tag ${key}`} onClick={() => remove.mutate(key)}>
          Remove
        </Button>
      ),
    },
  ];
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title="Tags"
        noun="tag"
        items={data}
        columns={columns}
        keyOf={(row) => row.key}
        loading={isPending}
        error={error ?? undefined}
        onRefresh={() => void refetch()}
        empty={
          <Box variant="p">
            No tags. Tags are names of your own for a job; policies can allow or deny by them, as aws:ResourceTag.
          </Box>
        }
      />
      <AddTag busy={add.isPending} onAdd={(tag, done) => add.mutate(tag, { onSuccess: done })} />
    </SpaceBetween>
  );
}

interface AddProps {
  readonly busy: boolean;
  readonly onAdd: (tag: TagRow, done: () => void) => void;
}

function AddTag({ busy, onAdd }: AddProps) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const clear = (): void => {
    setKey("");
    setValue("");
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (key !== "") onAdd({ key, value }, clear);
      }}
    >
      <Form
        actions={
          <Button disabled={key === ""} loading={busy} formAction="submit">
            Set tag
          </Button>
        }
      >
        <SpaceBetween size="s">
          <FormField label="Key" description="A key that the job has already gets the new value.">
            <Input value={key} onChange={({ detail }) => setKey(detail.value)} />
          </FormField>
          <FormField label="Value - optional">
            <Input value={value} onChange={({ detail }) => setValue(detail.value)} />
          </FormField>
        </SpaceBetween>
      </Form>
    </form>
  );
}
