import Box from "@cloudscape-design/components/box";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted, formatNumber } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { shownKey } from "../keys";
import { countPrefix, deleteKeys, deletePrefix, type Entry } from "../listing";

interface Props {
  readonly bucket: string;
  readonly entries: readonly Pick<Entry, "key" | "folder">[];
  readonly onDismiss: () => void;
  readonly onDeleted: () => void;
}

const NAMED = 10;

/** Delete objects, and folders with everything in them. */
export function DeleteObjects({ bucket, entries, onDismiss, onDeleted }: Props) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const [done, setDone] = useState(0);
  const folders = entries.filter((entry) => entry.folder);
  const keys = entries.filter((entry) => !entry.folder).map((entry) => entry.key);
  const held = useQuery({
    queryKey: ["s3-count", bucket, folders.map((folder) => folder.key)],
    enabled: folders.length > 0,
    staleTime: 0,
    gcTime: 0,
    queryFn: () => Promise.all(folders.map((folder) => countPrefix(s3, bucket, folder.key, 100_000))),
  });
  const inFolders = (held.data ?? []).reduce((sum, each) => sum + each.count, 0);
  return (
    <ConfirmModal
      title="Delete objects"
      action="Delete"
      {...(folders.length > 0 && { typed: "delete" })}
      onDismiss={onDismiss}
      onConfirm={async () => {
        let gone = 0;
        try {
          await deleteKeys(s3, bucket, keys);
          gone = keys.length;
          setDone(gone);
          for (const folder of folders) {
            const before = gone;
            gone += await deletePrefix(s3, bucket, folder.key, (count) => setDone(before + count));
          }
        } finally {
          await queries.invalidateQueries({ queryKey: ["s3"] });
        }
        notices.success(`${counted(gone, "object")} deleted from ${bucket}.`);
        onDeleted();
      }}
    >
      <Box>They cannot be restored: Reading Room keeps no versions.</Box>
      <ul>
        {entries.slice(0, NAMED).map((entry) => (
          <li key={entry.key} dir="auto" className="mono">
            {shownKey(entry.key)}
          </li>
        ))}
        {entries.length > NAMED && <li>and {formatNumber(entries.length - NAMED)} more</li>}
      </ul>
      {held.error && <ErrorAlert what="The objects in the folders cannot be counted" error={held.error} />}
      {held.data && <Box>In the folders: {counted(inFolders, "object")}.</Box>}
      <div aria-live="polite">{done > 0 && `${formatNumber(done)} objects are deleted.`}</div>
    </ConfirmModal>
  );
}
