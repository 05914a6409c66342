import {
  type ComprehendClient,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-comprehend";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { ErrorAlert } from "../components/ErrorAlert";
import { useNotices } from "../components/Notifications";
import { TagsField } from "../create/parts/TagsField";
import { type Tag, tagsProblem } from "../create/parts/tags";
import { tagChanges } from "./tagChanges";

/** The tags of a model, to be seen and changed. */
export function ModelTags({ arn }: { readonly arn: string }) {
  const client = useComprehend();
  const notices = useNotices();
  const [draft, setDraft] = useState<readonly Tag[]>();
  const { data, error, refetch } = useQuery({
    queryKey: ["comprehend", "ListTagsForResource", arn],
    queryFn: async ({ signal }) => {
      const command = new ListTagsForResourceCommand({ ResourceArn: arn });
      const { Tags = [] } = await client.send(command, { abortSignal: signal });
      return Tags.map(({ Key = "", Value = "" }) => ({ Key, Value }));
    },
  });
  const save = useMutation({
    mutationFn: (tags: readonly Tag[]) => change(client, arn, data ?? [], tags),
    onSuccess: () => {
      setDraft(undefined);
      notices.success("The model's tags are changed.");
    },
    // Also after an error: of two calls the first may have done its part.
    onSettled: () => refetch(),
  });
  if (error !== null) return <ErrorAlert what="The tags cannot be read" error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <StatusIndicator type="loading">Reading the tags</StatusIndicator>;
  const tags = draft ?? data;
  return (
    <Container header={<Header variant="h2">Tags</Header>}>
      <SpaceBetween size="m">
        <TagsField value={tags} onChange={setDraft} />
        {save.error !== null && <ErrorAlert what="The tags cannot be changed" error={save.error} />}
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            variant="primary"
            disabled={draft === undefined || tagsProblem(tags) !== undefined}
            loading={save.isPending}
            onClick={() => save.mutate(tags)}
          >
            Save tags
          </Button>
          <Button disabled={draft === undefined} onClick={() => setDraft(undefined)}>
            Undo
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    </Container>
  );
}

async function change(client: ComprehendClient, arn: string, from: readonly Tag[], to: readonly Tag[]): Promise<void> {
  const { put, remove } = tagChanges(from, to);
  if (remove.length > 0) await client.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: remove }));
  if (put.length > 0) await client.send(new TagResourceCommand({ ResourceArn: arn, Tags: put }));
}
