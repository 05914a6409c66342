import { ListTagsForResourceCommand, TagResourceCommand, UntagResourceCommand } from "@aws-sdk/client-comprehend";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useComprehend } from "../../api/comprehend";
import { ErrorAlert } from "../ErrorAlert";
import { useNotices } from "../Notifications";
import { TagsPanel } from "./TagsPanel";
import { describedTags } from "./tags";

interface Props {
  readonly arn: string;
  /** The noun for the resource: "model". */
  readonly noun: string;
}

/** The tags of a job or a model, which can be edited. */
export function ComprehendTags({ arn, noun }: Props) {
  const client = useComprehend();
  const notices = useNotices();
  const { data, error, refetch } = useQuery({
    queryKey: ["comprehend", "ListTagsForResource", arn],
    queryFn: async ({ signal }) => {
      const command = new ListTagsForResourceCommand({ ResourceArn: arn });
      return describedTags((await client.send(command, { abortSignal: signal })).Tags);
    },
  });
  if (error !== null) return <ErrorAlert what="The tags cannot be read" error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <StatusIndicator type="loading">Reading the tags</StatusIndicator>;
  return (
    <TagsPanel
      tags={data}
      onSave={async ({ set, removed }) => {
        try {
          if (removed.length > 0) await client.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: removed }));
          if (set.length > 0) await client.send(new TagResourceCommand({ ResourceArn: arn, Tags: set }));
        } finally {
          // After an error too: the first of the two calls may have succeeded.
          await refetch();
        }
        notices.success(`The ${noun}'s tags are changed.`);
      }}
    />
  );
}
