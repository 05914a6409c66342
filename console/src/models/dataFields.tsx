import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { S3LocationField } from "../create/parts/S3LocationField";
import { CsvFilePreview } from "./CsvFilePreview";
import { ManifestsField } from "./ManifestsField";
import type { Labels } from "./recognizerDraft";
import type { SectionProps } from "./TrainingForm";
import type { DataFormat, TrainingDraft } from "./training";

interface DataProps {
  readonly section: SectionProps<TrainingDraft>;
  /** What a CSV file contains for this type of model. */
  readonly csv: string;
  /** The fields above the data format. */
  readonly first: ReactNode;
  /** The fields for training data in CSV. */
  readonly children: ReactNode;
}

/** The section "Data specifications": training data in CSV, or as augmented manifests. */
export function DataSpecifications({ section, csv, first, children }: DataProps) {
  const { draft, change, problems } = section;
  return (
    <Container header={<Header variant="h2">Data specifications</Header>}>
      <SpaceBetween size="l">
        {first}
        <FormatField value={draft.dataFormat} onChange={(dataFormat) => change({ dataFormat })} csv={csv} />
        {draft.dataFormat === "COMPREHEND_CSV" ? (
          children
        ) : (
          <ManifestsField
            manifests={draft.manifests}
            onChange={(manifests) => change({ manifests })}
            problems={problems}
          />
        )}
      </SpaceBetween>
    </Container>
  );
}

interface FormatProps {
  readonly value: DataFormat;
  readonly onChange: (format: DataFormat) => void;
  /** What a CSV file contains. */
  readonly csv: string;
}

/** The format of training data. */
export function FormatField({ value, onChange, csv }: FormatProps) {
  return (
    <FormField label="Data format">
      <RadioGroup
        value={value}
        onChange={({ detail }) => onChange(detail.value as DataFormat)}
        items={[
          { value: "COMPREHEND_CSV", label: "CSV file", description: csv },
          {
            value: "AUGMENTED_MANIFEST",
            label: "Augmented manifest",
            description: "JSON lines with labels, as written by SageMaker Ground Truth.",
          },
        ]}
      />
    </FormField>
  );
}

interface LocationProps<Field extends string> {
  readonly section: SectionProps<Readonly<Record<Field, string>>>;
  readonly field: Field;
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  /** The names of the columns of a CSV file; absent if the first row has them. */
  readonly columns?: readonly string[];
  /** Whether it is a CSV file, so that its first rows are shown. */
  readonly csv?: boolean;
}

/** A field for a location that a training reads, by the name of the draft's member. */
export function LocationField<Field extends string>(props: LocationProps<Field>) {
  const { section, field, columns, csv = false, ...rest } = props;
  const uri = section.draft[field];
  return (
    <>
      <S3LocationField
        {...rest}
        mode="read"
        value={uri}
        onChange={(chosen) => section.change({ [field]: chosen } as Partial<Record<Field, string>>)}
        errorText={section.problems[field]}
      />
      {csv && uri !== "" && <CsvFilePreview uri={uri} {...(columns !== undefined && { columns })} />}
    </>
  );
}

export interface LabelsDraft {
  readonly labels: Labels;
  readonly annotations: string;
  readonly list: string;
}

interface LabelsProps {
  readonly section: SectionProps<LabelsDraft>;
}

/** How the entities in training documents are given: by their places, or by their texts. */
export function LabelsField({ section }: LabelsProps) {
  const { draft, change } = section;
  return (
    <SpaceBetween size="l">
      <FormField label="Training type">
        <RadioGroup
          value={draft.labels}
          onChange={({ detail }) => change({ labels: detail.value as Labels })}
          items={[
            {
              value: "annotations",
              label: "Using annotations and training documents",
              description: "The file says where in the documents the entities are. This gives better models.",
            },
            {
              value: "list",
              label: "Using entity list and training documents",
              description: "The file names entities without saying where they are.",
            },
          ]}
        />
      </FormField>
      {draft.labels === "annotations" ? (
        <LocationField
          section={section}
          field="annotations"
          label="Annotations"
          description="CSV with the header File,Line,Begin Offset,End Offset,Type. At least 25 of each type. Offsets count code points; the end is excluded."
          placeholder="s3://bucket/annotations.csv"
          csv
        />
      ) : (
        <LocationField
          section={section}
          field="list"
          label="Entity list"
          description="CSV with the header Text,Type: an entity and its type per row."
          placeholder="s3://bucket/entities.csv"
          csv
        />
      )}
    </SpaceBetween>
  );
}

type InputFormat = "ONE_DOC_PER_LINE" | "ONE_DOC_PER_FILE";

interface InputFormatProps {
  readonly value: InputFormat;
  readonly onChange: (format: InputFormat) => void;
}

/** Whether a file is one training document, or each of its lines is one. */
export function InputFormatField({ value, onChange }: InputFormatProps) {
  return (
    <FormField label="Input format">
      <RadioGroup
        value={value}
        onChange={({ detail }) => onChange(detail.value as InputFormat)}
        items={[
          { value: "ONE_DOC_PER_LINE", label: "One document per line" },
          { value: "ONE_DOC_PER_FILE", label: "One document per file" },
        ]}
      />
    </FormField>
  );
}

interface TestProps {
  readonly value: boolean;
  readonly onChange: (own: boolean) => void;
}

/** Whether the test uses separate documents. */
export function TestField({ value, onChange }: TestProps) {
  return (
    <FormField label="Test data">
      <RadioGroup
        value={value ? "own" : "autosplit"}
        onChange={({ detail }) => onChange(detail.value === "own")}
        items={[
          {
            value: "autosplit",
            label: "Autosplit",
            description: "A tenth of the training documents is held back and used for the test.",
          },
          { value: "own", label: "Customer provided", description: "You provide your own test documents." },
        ]}
      />
    </FormField>
  );
}
