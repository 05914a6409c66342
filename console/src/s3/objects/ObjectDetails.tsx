import { GetObjectTaggingCommand, HeadObjectCommand, PutObjectTaggingCommand } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatBytes, formatNumber, formatTime } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { TagsPanel } from "../../components/tags/TagsPanel";
import { s3Uri, shownKey, unreachable } from "../keys";
import { download } from "../transfer/transfer";
import { DeleteObjects } from "./DeleteObjects";
import { ObjectPreview } from "./ObjectPreview";

interface Props {
  readonly bucket: string;
  readonly objectKey: string;
  readonly onDeleted: () => void;
}

export function ObjectDetails({ bucket, objectKey, onDeleted }: Props) {
  const reason = unreachable(objectKey);
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      {reason === undefined ? (
        <Reachable bucket={bucket} objectKey={objectKey} onDelete={() => setDeleting(true)} />
      ) : (
        <Alert
          type="warning"
          header="This object cannot be read here"
          action={<Button onClick={() => setDeleting(true)}>Delete</Button>}
        >
          {reason}
        </Alert>
      )}
      {deleting && (
        <DeleteObjects
          bucket={bucket}
          entries={[{ key: objectKey, folder: false }]}
          onDismiss={() => setDeleting(false)}
          onDeleted={onDeleted}
        />
      )}
    </>
  );
}

function Reachable(props: { readonly bucket: string; readonly objectKey: string; readonly onDelete: () => void }) {
  const { bucket, objectKey: Key, onDelete } = props;
  const s3 = useS3();
  const head = useQuery({
    queryKey: ["s3", "HeadObject", bucket, Key],
    queryFn: () => s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: "ENABLED" })),
  });
  if (head.isPending) {
    return (
      <Box>
        <Spinner /> Loading the object
      </Box>
    );
  }
  if (head.error) {
    return <ErrorAlert what="The object cannot be shown" error={head.error} onRetry={() => void head.refetch()} />;
  }
  const size = head.data.ContentLength ?? 0;
  const metadata = Object.entries(head.data.Metadata ?? {});
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <CopyToClipboard
                  copyButtonText="Copy S3 URI"
                  textToCopy={s3Uri(bucket, Key)}
                  copySuccessText="Copied"
                  copyErrorText="Not copied: select the URI and copy it"
                />
                <Button onClick={() => download(s3, bucket, Key, size)}>Download</Button>
                <Button onClick={onDelete}>Delete</Button>
              </SpaceBetween>
            }
          >
            Properties
          </Header>
        }
      >
        <KeyValuePairs
          columns={3}
          items={[
            { label: "S3 URI", value: <span className="mono">{shownKey(s3Uri(bucket, Key))}</span> },
            { label: "Size", value: `${formatBytes(size)} (${formatNumber(size)} bytes)` },
            { label: "Changed", value: head.data.LastModified ? formatTime(head.data.LastModified) : "-" },
            { label: "Content type", value: head.data.ContentType ?? "-" },
            { label: "ETag", value: head.data.ETag ?? "-" },
            { label: "Encryption", value: head.data.ServerSideEncryption ?? "-" },
            ...checksums(head.data),
            ...metadata.map(([name, value]) => ({
              label: `Metadata ${name}`,
              value: <span dir="auto">{value}</span>,
            })),
          ]}
        />
      </Container>
      <ObjectPreview bucket={bucket} objectKey={Key} size={size} etag={head.data.ETag} />
      <ObjectTags bucket={bucket} objectKey={Key} />
    </SpaceBetween>
  );
}

const CHECKSUMS = ["ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256"] as const;

function checksums(answer: { readonly [Name in (typeof CHECKSUMS)[number]]?: string | undefined }) {
  return CHECKSUMS.flatMap((name) => {
    const value = answer[name];
    return value === undefined ? [] : [{ label: name.replace("Checksum", "Checksum "), value }];
  });
}

function ObjectTags({ bucket, objectKey: Key }: { readonly bucket: string; readonly objectKey: string }) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const tags = useQuery({
    queryKey: ["s3", "GetObjectTagging", bucket, Key],
    queryFn: async () => (await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }))).TagSet ?? [],
  });
  if (tags.error) return <ErrorAlert what="The tags cannot be read" error={tags.error} />;
  if (tags.data === undefined) return null;
  return (
    <TagsPanel
      tags={tags.data.map(({ Key: key = "", Value = "" }) => ({ Key: key, Value }))}
      most={10}
      onSave={async (_, wanted) => {
        await s3.send(new PutObjectTaggingCommand({ Bucket: bucket, Key, Tagging: { TagSet: [...wanted] } }));
        notices.success("The tags of the object are saved.");
        await queries.invalidateQueries({ queryKey: ["s3", "GetObjectTagging", bucket, Key] });
      }}
    />
  );
}
