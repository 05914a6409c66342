import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { isAwsOwn } from "../data/names";
import { usePolicies } from "../data/queries";

interface Props {
  readonly label: string;
  readonly description?: string;
  /** The chosen policy's ARN; empty for none. */
  readonly value: string;
  readonly onChange: (arn: string) => void;
  readonly none?: string;
}

/** A choice of one managed policy. */
export function PolicySelect({ label, description, value, onChange, none }: Props) {
  const policies = usePolicies();
  const options = (policies.data ?? []).map(({ Arn = "", PolicyName = "" }) => ({
    value: Arn,
    label: PolicyName,
    ...(isAwsOwn(Arn) && { description: "AWS's own" }),
  }));
  const all = none === undefined ? options : [{ value: "", label: none }, ...options];
  return (
    <FormField label={label} description={description}>
      <Select
        selectedOption={all.find((option) => option.value === value) ?? null}
        options={all}
        filteringType="auto"
        placeholder="Choose a policy"
        statusType={policies.isPending ? "loading" : policies.isError ? "error" : "finished"}
        errorText="The policies cannot be listed"
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
      />
    </FormField>
  );
}
