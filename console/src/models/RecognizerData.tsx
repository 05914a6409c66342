import SpaceBetween from "@cloudscape-design/components/space-between";
import { DataSpecifications, InputFormatField, LabelsField, LocationField, TestField } from "./dataFields";
import { EntityTypesField } from "./EntityTypesField";
import { hasOwnTest, type RecognizerDraft } from "./recognizerDraft";
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
      <LabelsField section={section} />
      <LocationField
        section={section}
        field="documents"
        label="Training documents"
        description="The texts that contain the entities."
      />
      <InputFormatField value={draft.inputFormat} onChange={(inputFormat) => change({ inputFormat })} />
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
