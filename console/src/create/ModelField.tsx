import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ErrorAlert } from "../components/ErrorAlert";
import { RouterLink } from "../components/RouterLink";
import { MODEL_KINDS, type ModelKindId } from "../models/kinds";
import { isUsable, type Model } from "../models/model";
import { useModels } from "../models/queries";

interface Props {
  readonly kind: ModelKindId;
  readonly value: string;
  readonly onChange: (model: Model) => void;
  readonly errorText?: string | undefined;
}

/** A choice of a custom model and its version, among those that are trained. */
export function ModelField({ kind, value, onChange, errorText }: Props) {
  const models = useModels(kind);
  const usable = (models.data ?? []).filter(isUsable);
  const chosen = usable.find(({ arn }) => arn === value);
  const versions = usable.filter(({ name }) => name === chosen?.name);
  const choose = (model: Model | undefined): void => {
    if (model !== undefined) onChange(model);
  };
  const label = kind === "classifier" ? "Classifier model" : "Recognizer model";
  const names: SelectProps.Option[] = [...new Set(usable.map(({ name }) => name))]
    .sort()
    .map((name) => ({ value: name, label: name }));
  if (models.data !== undefined && usable.length === 0 && value === "") {
    return (
      <Alert type="info" header={`You have no trained ${kind} yet`}>
        <RouterLink to={MODEL_KINDS[kind].createPath}>Train one</RouterLink> with your own examples, then come back. A
        model can be used once its status is TRAINED.
      </Alert>
    );
  }
  return (
    <SpaceBetween size="l">
      {models.error !== null && <ErrorAlert what={`The ${kind}s cannot be listed`} error={models.error} />}
      <FormField label={label} description={`Only trained ${kind}s are listed.`} errorText={errorText}>
        <Select
          selectedOption={chosen ? { value: chosen.name, label: chosen.name } : unknownModel(value)}
          options={names}
          statusType={models.isPending ? "loading" : "finished"}
          loadingText={`Loading ${kind}s`}
          placeholder={`Choose a ${kind}`}
          filteringType="auto"
          filteringAriaLabel={`Filter ${kind}s`}
          onChange={({ detail }) => choose(usable.find(({ name }) => name === detail.selectedOption.value))}
        />
      </FormField>
      {chosen !== undefined && (
        <FormField label="Version">
          <Select
            selectedOption={versionOption(chosen)}
            options={versions.map(versionOption)}
            onChange={({ detail }) => choose(versions.find(({ arn }) => arn === detail.selectedOption.value))}
          />
        </FormField>
      )}
    </SpaceBetween>
  );
}

function versionOption({ arn, version, language, status }: Model): SelectProps.Option {
  return {
    value: arn,
    label: version ?? "Without a version name",
    description: [language, status === "TRAINED_WITH_WARNING" ? "trained with a warning" : ""]
      .filter(Boolean)
      .join(", "),
  };
}

function unknownModel(arn: string): SelectProps.Option | null {
  return arn === "" ? null : { value: arn, label: arn };
}
