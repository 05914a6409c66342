import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { S3LocationField } from "../create/parts/S3LocationField";
import { CsvFilePreview } from "./CsvFilePreview";
import { ManifestsField } from "./ManifestsField";
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
        <FormField label="Data format">
          <RadioGroup
            value={draft.dataFormat}
            onChange={({ detail }) => change({ dataFormat: detail.value as DataFormat })}
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
