import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { DataSpecifications, LocationField, TestField } from "./dataFields";
import { EntityTypesField } from "./EntityTypesField";
import { hasOwnTest, type Labels, type RecognizerDraft } from "./recognizerDraft";
import type { SectionProps } from "./TrainingForm";

/** The section "Data specifications" of a recognizer. */
export function RecognizerData(section: SectionProps<RecognizerDraft>) {
  const { draft, change, problems } = section;
  return (
    <DataSpecifications
      section={section}
      csv="Documents, and a CSV file that describes their entities."
      first={<EntityTypesField types={draft.types} onChange={(types) => change({ types })} problems={problems} />}
    >
      <CsvFields {...section} />
    </DataSpecifications>
  );
}

function CsvFields(section: SectionProps<RecognizerDraft>) {
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
      <LocationField
        section={section}
        field="documents"
        label="Training documents"
        description="The texts that contain the entities."
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
          <LocationField
            section={section}
            field="testAnnotations"
            label="Test annotations"
            description="In the format of the annotations. At least one of each type."
            csv
          />
          <LocationField section={section} field="testDocuments" label="Test documents" />
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
