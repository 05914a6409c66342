import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { MODEL_KINDS, type ModelKindId } from "../models/kinds";
import { isUsable } from "../models/model";
import { useModels } from "../models/queries";
import { modelWords } from "./endpoint";

interface Props {
  /** The type of the models to offer; by default both. */
  readonly kind?: ModelKindId;
  readonly value: string | undefined;
  readonly onChange: (arn: string) => void;
  readonly problem: string | undefined;
}

/** A choice among the trained models of the account. */
export function ModelSelect({ kind, value, onChange, problem }: Props) {
  const classifiers = useModels("classifier");
  const recognizers = useModels("recognizer");
  const both = { classifier: classifiers, recognizer: recognizers };
  const kinds = (["classifier", "recognizer"] as const).filter((each) => kind === undefined || each === kind);
  const groups = kinds.map((each) => ({
    label: `${MODEL_KINDS[each].label}s`,
    options: (both[each].data ?? []).filter(isUsable).map(({ arn }) => ({ value: arn, label: modelWords(arn) })),
  }));
  const chosen = groups.flatMap(({ options }) => options).find((option) => option.value === value);
  return (
    <FormField label="Model" description="A trained classifier or entity recognizer." errorText={problem} stretch>
      <Select
        options={groups}
        selectedOption={chosen ?? null}
        onChange={({ detail }) => detail.selectedOption.value !== undefined && onChange(detail.selectedOption.value)}
        placeholder="Choose a model"
        empty="No model is trained yet."
        statusType={kinds.some((each) => both[each].isPending) ? "loading" : "finished"}
        filteringType="auto"
      />
    </FormField>
  );
}
