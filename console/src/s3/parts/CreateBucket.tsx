import { type BucketLocationConstraint, CreateBucketCommand } from "@aws-sdk/client-s3";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { getConfig } from "../../api/config";
import { useS3 } from "../../api/s3";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { bucketHref, bucketProblem } from "../keys";

export function CreateBucket({ onDismiss }: { readonly onDismiss: () => void }) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const wrong = bucketProblem(name);
  const { region } = getConfig();
  return (
    <FormModal
      title="Create bucket"
      action="Create bucket"
      what="The bucket cannot be created"
      disabled={name === "" || wrong !== undefined}
      onDismiss={onDismiss}
      onSubmit={async () => {
        await s3.send(
          new CreateBucketCommand({
            Bucket: name,
            // For us-east-1, and only for it, the location is left out.
            ...(region !== "us-east-1" && {
              CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint },
            }),
          }),
        );
        notices.success(`The bucket ${name} is created. Nobody outside the account can read it.`);
        await queries.invalidateQueries({ queryKey: ["s3"] });
        navigate(bucketHref(name));
      }}
    >
      <FormField
        label="Bucket name"
        description={`Lowercase letters, digits, dots and hyphens. The bucket is in ${region}.`}
        errorText={wrong}
      >
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </FormModal>
  );
}
