import FileUpload from "@cloudscape-design/components/file-upload";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import LiveRegion from "@cloudscape-design/components/live-region";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../api/s3";
import { FormModal } from "../components/FormModal";
import { counted } from "../components/format";
import { UnreadableFiles } from "../s3/parts/UnreadableFiles";
import { bucketNameProblem, makeBucket, type NewDocument, type NewLocations } from "./newBucket";
import { SAMPLES } from "./samples";

interface Props {
  readonly onMade: (locations: NewLocations) => void;
  readonly onDismiss: () => void;
}

/** Creates a bucket with documents: the user's own, or three sample texts. */
export function NewBucketModal({ onMade, onDismiss }: Props) {
  const client = useS3();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [own, setOwn] = useState(false);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [submitted, setSubmitted] = useState(false);
  /** How many documents are uploaded so far; undefined before the upload. */
  const [uploaded, setUploaded] = useState<number>();
  const documents: NewDocument[] = own
    ? files.map((file) => ({ name: file.name, body: file }))
    : SAMPLES.map(({ name: title, text }) => ({ name: title, body: text }));
  const nameProblem = bucketNameProblem(name);
  const filesProblem = own && files.length === 0 ? "Choose at least one file." : undefined;
  const make = async (): Promise<void> => {
    setUploaded(0);
    try {
      const locations = await makeBucket(client, name, documents, setUploaded);
      await queries.invalidateQueries({ queryKey: ["s3"] });
      onMade(locations);
    } finally {
      setUploaded(undefined);
    }
  };
  return (
    <FormModal
      title="New bucket with documents"
      action="Create bucket"
      what="The bucket cannot be created"
      check={() => {
        setSubmitted(true);
        return nameProblem === undefined && filesProblem === undefined;
      }}
      onSubmit={make}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="l">
        <FormField
          label="Bucket name"
          constraintText="3 to 63 lowercase letters, digits, dots and hyphens."
          errorText={submitted ? nameProblem : undefined}
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
          <FormField label="Files" errorText={submitted ? filesProblem : undefined}>
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
        {own && <UnreadableFiles names={files.map(({ name: file }) => file)} />}
        <LiveRegion>{uploaded !== undefined && `Document ${uploaded + 1} of ${documents.length}`}</LiveRegion>
      </SpaceBetween>
    </FormModal>
  );
}
