import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FileUpload from "@cloudscape-design/components/file-upload";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import LiveRegion from "@cloudscape-design/components/live-region";
import Modal from "@cloudscape-design/components/modal";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../api/s3";
import { ErrorAlert } from "../components/ErrorAlert";
import { counted } from "../components/format";
import { bucketNameProblem, makeBucket, type NewDocument, type NewLocations } from "./newBucket";
import { SAMPLES } from "./samples";

interface Props {
  readonly onMade: (locations: NewLocations) => void;
  readonly onDismiss: () => void;
}

/** The first bucket, with documents in it: own ones, or three sample texts. */
export function NewBucketModal({ onMade, onDismiss }: Props) {
  const client = useS3();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [own, setOwn] = useState(false);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [asked, setAsked] = useState(false);
  const [done, setDone] = useState(0);
  const documents: NewDocument[] = own
    ? files.map((file) => ({ name: file.name, body: file }))
    : SAMPLES.map(({ name: title, text }) => ({ name: title, body: text }));
  const nameProblem = bucketNameProblem(name);
  const filesProblem = own && files.length === 0 ? "Choose at least one file." : undefined;
  const making = useMutation({
    mutationFn: () => makeBucket(client, name, documents, setDone),
    onSuccess: async (locations) => {
      await queries.invalidateQueries({ queryKey: ["s3"] });
      onMade(locations);
    },
  });
  const make = (): void => {
    setAsked(true);
    if (nameProblem === undefined && filesProblem === undefined) making.mutate();
  };
  return (
    <Modal
      visible
      header="New bucket with documents"
      closeAriaLabel="Close"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={making.isPending} onClick={make}>
              Create bucket
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="l">
        <FormField
          label="Bucket name"
          constraintText="3 to 63 lower-case letters, digits, dots and hyphens."
          errorText={asked ? nameProblem : undefined}
        >
          <Input value={name} autoComplete={false} onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Documents">
          <RadioGroup
            value={own ? "own" : "samples"}
            onChange={({ detail }) => setOwn(detail.value === "own")}
            items={[
              {
                value: "samples",
                label: "Sample texts",
                description: `${counted(SAMPLES.length, "short English text")} in the public domain.`,
              },
              { value: "own", label: "My documents", description: "Plain text in UTF-8." },
            ]}
          />
        </FormField>
        {own && (
          <FormField label="Files" errorText={asked ? filesProblem : undefined}>
            <FileUpload
              multiple
              accept="text/*,.txt,.csv,.jsonl"
              value={files}
              onChange={({ detail }) => setFiles(detail.value)}
              showFileSize
              tokenLimit={3}
              i18nStrings={{
                uploadButtonText: () => "Choose files",
                dropzoneText: () => "Drop files to upload",
                removeFileAriaLabel: (index) => `Remove file ${index + 1}`,
                limitShowFewer: "Show fewer files",
                limitShowMore: "Show more files",
                errorIconAriaLabel: "Error",
              }}
            />
          </FormField>
        )}
        <LiveRegion>{making.isPending && `Document ${done + 1} of ${documents.length}`}</LiveRegion>
        {making.error !== null && <ErrorAlert what="The bucket cannot be made ready" error={making.error} />}
      </SpaceBetween>
    </Modal>
  );
}
