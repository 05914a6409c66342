import { DeleteBucketPolicyCommand, GetBucketPolicyCommand, PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { bucketPolicy } from "../../access/data/templates";
import { useS3 } from "../../api/s3";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import {
  formatJson,
  isPolicyError,
  type PolicyProblem,
  problemsOf,
  syntaxProblem,
} from "../../components/policy/problems";
import { useSignedIn } from "../../session/session";
import { SettingPanel } from "./SettingPanel";
import { useSetting } from "./useSetting";

/** The policy of a bucket. */
export function BucketPolicy({ bucket }: { readonly bucket: string }) {
  const s3 = useS3();
  const { account } = useSignedIn().identity;
  const queries = useQueryClient();
  const notices = useNotices();
  const policy = useSetting(bucket, "GetBucketPolicy", "NoSuchBucketPolicy", async () =>
    formatJson((await s3.send(new GetBucketPolicyCommand({ Bucket: bucket }))).Policy ?? ""),
  );
  const [edited, setEdited] = useState<string>();
  const [problems, setProblems] = useState<readonly PolicyProblem[]>([]);
  const present = policy.data ?? "";
  const text = edited ?? present;
  const change = (next: string): void => {
    setEdited(next === present ? undefined : next);
    setProblems([]);
  };
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["s3", "GetBucketPolicy", bucket] });
  return (
    <SettingPanel
      title="Bucket policy"
      noun="bucket policy"
      description="Who else may use the bucket, and what nobody may do. The caller's own policies apply as well."
      warning="What the policy allowed will no longer be allowed by it, and what it denied will no longer be denied."
      loading={policy.isPending}
      readError={policy.error}
      exists={present !== ""}
      changed={edited !== undefined}
      sendable={syntaxProblem(text) === undefined}
      onDiscard={() => change(present)}
      onSave={async () => {
        try {
          await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: text }));
        } catch (error) {
          if (isPolicyError(error)) setProblems(problemsOf(error, text));
          throw error;
        }
        notices.success(`The policy of ${bucket} is saved. It takes effect with the next request.`);
        await refresh();
        setEdited(undefined);
      }}
      onDelete={async () => {
        await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
        notices.success(`The policy of ${bucket} is deleted.`);
        await refresh();
        setEdited(undefined);
      }}
    >
      {policy.data === null && (
        <Box>
          The bucket has no policy: only the policies of users and roles decide.{" "}
          <Button variant="inline-link" onClick={() => change(bucketPolicy(bucket, account))}>
            Start with an example
          </Button>
        </Box>
      )}
      {policy.data !== undefined && (
        <PolicyEditor label="Bucket policy document" value={text} onChange={change} errors={problems} optional />
      )}
    </SettingPanel>
  );
}
