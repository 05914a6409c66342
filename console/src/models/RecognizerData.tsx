import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { S3LocationField } from "../create/parts/S3LocationField";
import { DataFormatField, TestField } from "./dataFields";
import { EntityTypesField } from "./EntityTypesField";
import { ManifestsField } from "./ManifestsField";
import { hasOwnTest, type Labels, type RecognizerDraft } from "./recognizerDraft";
import type { SectionProps } from "./TrainingForm";

/** The section "Data specifications" of a recognizer. */
export function RecognizerData({ draft, change, problems }: SectionProps<RecognizerDraft>) {
  return (
    <Container header={<Header variant="h2">Data specifications</Header>}>
      <SpaceBetween size="l">
        <EntityTypesField types={draft.types} onChange={(types) => change({ types })} problems={problems} />
        <DataFormatField
          value={draft.dataFormat}
          onChange={(dataFormat) => change({ dataFormat })}
          csv="Documents, and a CSV file that tells of their entities."
        />
        {draft.dataFormat === "COMPREHEND_CSV" ? (
          <CsvFields draft={draft} change={change} problems={problems} />
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

function CsvFields({ draft, change, problems }: SectionProps<RecognizerDraft>) {
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
              description: "The file says where in the documents the entities are. It learns more from it.",
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
        <S3LocationField
          label="Annotations"
          description="CSV with the header File,Line,Begin Offset,End Offset,Type. At least 25 of each type. Offsets count code points; the end is excluded."
          placeholder="s3://bucket/annotations.csv"
          mode="read"
          value={draft.annotations}
          onChange={(annotations) => change({ annotations })}
          errorText={problems["annotations"]}
        />
      ) : (
        <S3LocationField
          label="Entity list"
          description="CSV with the header Text,Type: an entity and its type a row."
          placeholder="s3://bucket/entities.csv"
          mode="read"
          value={draft.list}
          onChange={(list) => change({ list })}
          errorText={problems["list"]}
        />
      )}
      <S3LocationField
        label="Training documents"
        description="The texts in which the entities are."
        mode="read"
        value={draft.documents}
        onChange={(documents) => change({ documents })}
        errorText={problems["documents"]}
      />
      <FormField label="Input format">
        <RadioGroup
          value={draft.inputFormat}
          onChange={({ detail }) => change({ inputFormat: detail.value as RecognizerDraft["inputFormat"] })}
          items={[
            { value: "ONE_DOC_PER_LINE", label: "One document per line" },
            { value: "ONE_DOC_PER_FILE", label: "One document per file" },
          ]}
        />
      </FormField>
      {draft.labels === "annotations" && (
        <TestField value={draft.ownTest} onChange={(ownTest) => change({ ownTest })} />
      )}
      {hasOwnTest(draft) && (
        <SpaceBetween size="l">
          <S3LocationField
            label="Test annotations"
            description="In the form of the annotations. At least one of each type."
            mode="read"
            value={draft.testAnnotations}
            onChange={(testAnnotations) => change({ testAnnotations })}
            errorText={problems["testAnnotations"]}
          />
          <S3LocationField
            label="Test documents"
            mode="read"
            value={draft.testDocuments}
            onChange={(testDocuments) => change({ testDocuments })}
            errorText={problems["testDocuments"]}
          />
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
