import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { EncryptionField } from "../create/parts/EncryptionField";
import { S3LocationField } from "../create/parts/S3LocationField";
import type { ClassifierDraft, Mode } from "./classifierDraft";
import { DelimiterField } from "./DelimiterField";
import { DataSpecifications, LocationField, TestField } from "./dataFields";
import type { SectionProps } from "./TrainingForm";

/** The sections "Data specifications" and "Output data" of a classifier. */
export function ClassifierData(section: SectionProps<ClassifierDraft>) {
  const { draft, change, problems } = section;
  return (
    <SpaceBetween size="l">
      <DataSpecifications
        section={section}
        csv="A label and a document per row."
        first={
          <SpaceBetween size="l">
            <FormField label="Training model type">
              <RadioGroup
                value="PLAIN_TEXT_DOCUMENT"
                items={[
                  { value: "PLAIN_TEXT_DOCUMENT", label: "Plain text documents" },
                  {
                    value: "SEMI_STRUCTURED_DOCUMENT",
                    label: "Native documents",
                    description: "Not supported: trainings read plain text.",
                    disabled: true,
                  },
                ]}
              />
            </FormField>
            <FormField label="Classifier mode">
              <RadioGroup
                value={draft.mode}
                onChange={({ detail }) => change({ mode: detail.value as Mode })}
                items={[
                  { value: "MULTI_CLASS", label: "Single-label", description: "Each document has one label." },
                  { value: "MULTI_LABEL", label: "Multi-label", description: "A document can have several labels." },
                ]}
              />
            </FormField>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {draft.mode === "MULTI_LABEL" && (
            <DelimiterField value={draft.delimiter} onChange={(delimiter) => change({ delimiter })} />
          )}
          <LocationField
            section={section}
            field="training"
            label="Training dataset"
            description="CSV in UTF-8 without a header: the label, then the text in quotation marks. At least ten documents for each label."
            placeholder="s3://bucket/training.csv"
            csv
            columns={["Label", "Text"]}
          />
          <TestField value={draft.ownTest} onChange={(ownTest) => change({ ownTest })} />
          {draft.ownTest && (
            <LocationField
              section={section}
              field="test"
              label="Test dataset"
              description="In the format of the training dataset, with other documents."
              csv
              columns={["Label", "Text"]}
            />
          )}
        </SpaceBetween>
      </DataSpecifications>
      <Container header={<Header variant="h2">Output data - optional</Header>}>
        <SpaceBetween size="l">
          <S3LocationField
            label="Output location"
            description="Where the training writes its confusion matrix. Leave empty for none."
            mode="write"
            value={draft.output}
            onChange={(output) => change({ output })}
            errorText={problems["output"]}
          />
          {draft.output !== "" && (
            <EncryptionField
              label="Output encryption"
              value={draft.outputKey}
              onChange={(outputKey) => change({ outputKey })}
            />
          )}
          <Box color="text-body-secondary">The service stores the model itself, not in your buckets.</Box>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
