import {
  DeleteBucketTaggingCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  PutBucketTaggingCommand,
} from "@aws-sdk/client-s3";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueryClient } from "@tanstack/react-query";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useNotices } from "../../components/Notifications";
import { TagsPanel } from "../../components/tags/TagsPanel";
import { useSetting } from "./useSetting";

/** The properties of a bucket, and its tags. */
export function BucketProperties({ bucket: Bucket }: { readonly bucket: string }) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const location = useSetting(Bucket, "GetBucketLocation", "", async () => {
    // S3 returns an empty answer for us-east-1.
    return (await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint || "us-east-1";
  });
  const encryption = useSetting(
    Bucket,
    "GetBucketEncryption",
    "ServerSideEncryptionConfigurationNotFoundError",
    async () =>
      (await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration?.Rules?.[0]
        ?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ?? "-",
  );
  const status = useSetting(Bucket, "GetBucketPolicyStatus", "NoSuchBucketPolicy", async () =>
    (await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic ? "Yes" : "No",
  );
  const tags = useSetting(
    Bucket,
    "GetBucketTagging",
    "NoSuchTagSet",
    async () => (await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet ?? [],
  );
  const failed = location.error ?? encryption.error ?? status.error;
  return (
    <SpaceBetween size="l">
      {failed && <ErrorAlert what="Some properties cannot be read" error={failed} />}
      <Container header={<Header variant="h2">Properties</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: "ARN", value: `arn:aws:s3:::${Bucket}` },
            { label: "Region", value: location.data ?? "-" },
            { label: "Default encryption", value: encryption.data ?? "-" },
            {
              label: "Public by its policy",
              value: status.data === null ? "No: it has no policy" : (status.data ?? "-"),
            },
            { label: "Versions", value: "Not kept: versioning is not supported here" },
          ]}
        />
      </Container>
      {tags.error && <ErrorAlert what="The tags cannot be read" error={tags.error} />}
      {tags.data !== undefined && (
        <TagsPanel
          tags={(tags.data ?? []).map(({ Key = "", Value = "" }) => ({ Key, Value }))}
          most={50}
          onSave={async (_, wanted) => {
            await (wanted.length === 0
              ? s3.send(new DeleteBucketTaggingCommand({ Bucket }))
              : s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [...wanted] } })));
            notices.success(`The tags of ${Bucket} are saved.`);
            await queries.invalidateQueries({ queryKey: ["s3", "GetBucketTagging", Bucket] });
          }}
        />
      )}
    </SpaceBetween>
  );
}
