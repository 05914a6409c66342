import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { InputFormat } from "./draft";
import type { SectionProps } from "./JobSettings";
import { NewBucketModal } from "./NewBucketModal";
import { DocumentsField } from "./parts/DocumentsField";
import { EncryptionField } from "./parts/EncryptionField";
import { S3LocationField } from "./parts/S3LocationField";
import type { InputReading } from "./parts/useInputReading";
import { useBuckets } from "./parts/useStorage";

const FORMATS: readonly SelectProps.Option[] = [
  {
    value: "ONE_DOC_PER_LINE",
    label: "One document per line",
    description: "Each line of each file is a document.",
  },
  { value: "ONE_DOC_PER_FILE", label: "One document per file", description: "Each object is a document." },
];

interface InputProps extends SectionProps {
  /** What the objects of the input are; undefined until it has been listed. */
  readonly looked: InputReading | undefined;
}

export function InputSection({ draft, errors, looked, onChange }: InputProps) {
  const [making, setMaking] = useState(false);
  const buckets = useBuckets();
  const newBucket = (
    <Button formAction="none" onClick={() => setMaking(true)}>
      New bucket with documents
    </Button>
  );
  return (
    <Container
      header={
        <Header variant="h2" actions={newBucket} description="Documents in a bucket of yours.">
          Input data
        </Header>
      }
    >
      <SpaceBetween size="l">
        {buckets.data?.length === 0 && (
          <Alert type="info" header="You have no bucket yet">
            Documents are read from S3. “New bucket with documents” creates a bucket, uploads your files or sample
            texts, and fills in both locations.
          </Alert>
        )}
        <S3LocationField
          label="Input S3 location"
          description="The job reads every object whose key begins with this. End a folder with a slash."
          placeholder="s3://bucket/documents/"
          mode="read"
          value={draft.input}
          errorText={errors.input}
          onChange={(input) => onChange({ input })}
        />
        <FormField label="Input format" errorText={errors.inputFormat}>
          <Select
            selectedOption={FORMATS.find(({ value }) => value === draft.inputFormat) ?? null}
            options={FORMATS}
            onChange={({ detail }) => onChange({ inputFormat: detail.selectedOption.value as InputFormat })}
          />
        </FormField>
        <DocumentsField draft={draft} looked={looked} onChange={onChange} />
      </SpaceBetween>
      {making && (
        <NewBucketModal
          onDismiss={() => setMaking(false)}
          onMade={({ input, output }) => {
            onChange({ input, output, inputFormat: "ONE_DOC_PER_FILE" });
            setMaking(false);
          }}
        />
      )}
    </Container>
  );
}

export function OutputSection({ draft, type, errors, onChange }: SectionProps) {
  return (
    <Container header={<Header variant="h2">Output data</Header>}>
      <SpaceBetween size="l">
        <S3LocationField
          label="Output S3 location"
          description={
            type.kind.folder
              ? "The job creates its own folder below this, with an object for each input file."
              : "The job creates its own folder below this, with the archive output.tar.gz."
          }
          placeholder="s3://bucket/results/"
          mode="write"
          value={draft.output}
          errorText={errors.output}
          onChange={(output) => onChange({ output })}
        />
        <EncryptionField
          label="Output encryption"
          value={draft.outputKey}
          onChange={(outputKey) => onChange({ outputKey })}
        />
      </SpaceBetween>
    </Container>
  );
}
