import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { S3LocationField } from "../create/parts/S3LocationField";
import { MANIFESTS, type Manifest, newManifest, type Problems } from "./training";

interface Props {
  readonly manifests: readonly Manifest[];
  readonly onChange: (manifests: readonly Manifest[]) => void;
  readonly problems: Problems;
  /** Whether all have the same use, so that none has to be chosen. */
  readonly oneUse?: boolean;
}

const SPLITS = [
  { value: "TRAIN", label: "Training" },
  { value: "TEST", label: "Test" },
];

/** Labelled data of SageMaker Ground Truth: one to five manifests. */
export function ManifestsField({ manifests, onChange, problems, oneUse = false }: Props) {
  const set = (id: string, change: Partial<Manifest>): void =>
    onChange(manifests.map((manifest) => (manifest.id === id ? { ...manifest, ...change } : manifest)));
  return (
    <SpaceBetween size="l">
      {manifests.map(({ id, uri, split, attributes }, index) => (
        <SpaceBetween key={id} size="s">
          <Box variant="h3">{`Manifest ${index + 1}`}</Box>
          <S3LocationField
            label={`Location of manifest ${index + 1}`}
            description="An augmented manifest file: JSON lines, written by SageMaker Ground Truth."
            mode="read"
            value={uri}
            onChange={(value) => set(id, { uri: value })}
            errorText={problems[`manifest-${id}-uri`]}
          />
          <FormField
            label={`Attribute names of manifest ${index + 1}`}
            description="The label attribute, without -metadata. For chained jobs, several attributes separated by commas."
            errorText={problems[`manifest-${id}-attributes`]}
          >
            <Input
              value={attributes}
              autoComplete={false}
              spellcheck={false}
              onChange={({ detail }) => set(id, { attributes: detail.value })}
            />
          </FormField>
          {!oneUse && (
            <FormField label={`Use of manifest ${index + 1}`}>
              <Select
                options={SPLITS}
                selectedOption={SPLITS.find(({ value }) => value === split) ?? null}
                onChange={({ detail }) => set(id, { split: detail.selectedOption.value === "TEST" ? "TEST" : "TRAIN" })}
              />
            </FormField>
          )}
          {manifests.length > 1 && (
            <Button onClick={() => onChange(manifests.filter((manifest) => manifest.id !== id))}>
              {`Remove manifest ${index + 1}`}
            </Button>
          )}
        </SpaceBetween>
      ))}
      {problems["manifests"] !== undefined && <Box color="text-status-error">{problems["manifests"]}</Box>}
      <Button disabled={manifests.length >= MANIFESTS} onClick={() => onChange([...manifests, newManifest()])}>
        Add manifest
      </Button>
    </SpaceBetween>
  );
}
