import { DeleteBucketCorsCommand, GetBucketCorsCommand, PutBucketCorsCommand } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Textarea from "@cloudscape-design/components/textarea";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { useNotices } from "../../components/Notifications";
import { CORS_EXAMPLE, readCors } from "../cors";
import { SettingPanel } from "./SettingPanel";
import { useSetting } from "./useSetting";

/** The CORS rules of a bucket: which pages of other origins may use it from a browser. */
export function CorsRules({ bucket }: { readonly bucket: string }) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const cors = useSetting(bucket, "GetBucketCors", "NoSuchCORSConfiguration", async () =>
    JSON.stringify((await s3.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules ?? [], null, 2),
  );
  const [edited, setEdited] = useState<string>();
  const present = cors.data ?? "";
  const text = edited ?? present;
  const reading = readCors(text);
  const change = (next: string): void => setEdited(next === present ? undefined : next);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["s3", "GetBucketCors", bucket] });
  return (
    <SettingPanel
      title="CORS rules"
      noun="CORS configuration"
      description="Which web pages of other origins may use the bucket from a browser. Policies still decide who has permission."
      warning="Pages of other origins will no longer be able to use the bucket."
      loading={cors.isPending}
      readError={cors.error}
      exists={present !== ""}
      changed={edited !== undefined}
      sendable={"rules" in reading}
      onDiscard={() => change(present)}
      onSave={async () => {
        if (!("rules" in reading)) throw new Error(reading.problem);
        await s3.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: reading.rules } }));
        notices.success(`The CORS rules of ${bucket} are saved.`);
        await refresh();
        setEdited(undefined);
      }}
      onDelete={async () => {
        await s3.send(new DeleteBucketCorsCommand({ Bucket: bucket }));
        notices.success(`The CORS rules of ${bucket} are deleted.`);
        await refresh();
        setEdited(undefined);
      }}
    >
      {cors.data === null && (
        <Box>
          No rules: pages of other origins cannot use the bucket.{" "}
          <Button variant="inline-link" onClick={() => change(CORS_EXAMPLE)}>
            Start with an example
          </Button>
        </Box>
      )}
      {cors.data !== undefined && (
        <FormField
          stretch
          label="Rules as JSON"
          errorText={text !== "" && "problem" in reading ? reading.problem : undefined}
        >
          <Textarea value={text} rows={14} spellcheck={false} onChange={({ detail }) => change(detail.value)} />
        </FormField>
      )}
    </SettingPanel>
  );
}
