import { DeleteBucketCommand } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted, formatNumber } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { countPrefix, deletePrefix } from "../listing";

interface Props {
  readonly bucket: string;
  readonly onDismiss: () => void;
  readonly onDeleted: () => void;
}

/** Delete a bucket, with its objects only if the user chooses that. */
export function DeleteBucket({ bucket, onDismiss, onDeleted }: Props) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const [emptying, setEmptying] = useState(false);
  const [deleted, setDeleted] = useState<number>();
  const held = useQuery({
    queryKey: ["s3-count", bucket],
    staleTime: 0,
    gcTime: 0,
    queryFn: () => countPrefix(s3, bucket, "", 100_000),
  });
  const count = held.data?.count ?? 0;
  return (
    <ConfirmModal
      title={`Delete bucket ${bucket}`}
      action="Delete bucket"
      typed={bucket}
      onDismiss={onDismiss}
      onConfirm={async () => {
        if (emptying) await deletePrefix(s3, bucket, "", setDeleted);
        await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
        notices.success(`The bucket ${bucket} is deleted.`);
        onDeleted();
        await queries.invalidateQueries({ queryKey: ["s3"] });
      }}
    >
      {held.error && <ErrorAlert what="The bucket's objects cannot be counted" error={held.error} />}
      {held.isPending && <Box>Counting the objects</Box>}
      {held.data && (
        <Box>
          {count === 0
            ? "The bucket is empty."
            : `It has ${held.data.more ? "more than " : ""}${counted(count, "object")}. Only an empty bucket can be deleted.`}
        </Box>
      )}
      {count > 0 && (
        <Checkbox checked={emptying} onChange={({ detail }) => setEmptying(detail.checked)}>
          Delete all objects first. They cannot be restored.
        </Checkbox>
      )}
      <div aria-live="polite">{deleted !== undefined && `${formatNumber(deleted)} objects are deleted.`}</div>
    </ConfirmModal>
  );
}
