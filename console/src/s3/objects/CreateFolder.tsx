import { PutObjectCommand } from "@aws-sdk/client-s3";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useS3 } from "../../api/s3";
import { FormModal } from "../../components/FormModal";
import { bucketHref, folderProblem } from "../keys";

interface Props {
  readonly bucket: string;
  readonly prefix: string;
  readonly onDismiss: () => void;
}

export function CreateFolder({ bucket, prefix, onDismiss }: Props) {
  const s3 = useS3();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const wrong = folderProblem(name);
  return (
    <FormModal
      title="Create folder"
      action="Create folder"
      what="The folder cannot be created"
      disabled={name === "" || wrong !== undefined}
      onDismiss={onDismiss}
      onSubmit={async () => {
        const key = `${prefix}${name}/`;
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: new Uint8Array() }));
        await queries.invalidateQueries({ queryKey: ["s3"] });
        onDismiss();
        navigate(bucketHref(bucket, { prefix: key }));
      }}
    >
      <FormField
        label="Folder name"
        description="A folder is an empty object whose key ends with a slash."
        errorText={wrong}
      >
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </FormModal>
  );
}
