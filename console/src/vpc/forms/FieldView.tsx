import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import Textarea from "@cloudscape-design/components/textarea";
import type { Choice, Field, FormValue, FormValues } from "./fields";

interface Props<Values extends FormValues> {
  readonly field: Field<Values>;
  readonly value: FormValue | undefined;
  readonly values: Values;
  readonly problem: string | undefined;
  readonly onChange: (value: FormValue) => void;
}

const FILTER_FROM = 8;

export function FieldView<Values extends FormValues>({ field, value, values, problem, onChange }: Props<Values>) {
  const choices = [...(field.choices?.(values) ?? [])];
  if (field.kind === "check") {
    return (
      <Checkbox
        checked={value === true}
        onChange={({ detail }) => onChange(detail.checked)}
        description={field.description}
      >
        {field.label}
      </Checkbox>
    );
  }
  return (
    <FormField
      label={
        <>
          {field.label}
          {field.optional && <i> – optional</i>}
        </>
      }
      description={field.description}
      errorText={problem}
    >
      {control()}
    </FormField>
  );

  function control() {
    const text = typeof value === "string" ? value : "";
    switch (field.kind) {
      case "lines":
        return (
          <Textarea
            value={text}
            rows={4}
            placeholder={field.placeholder ?? ""}
            onChange={({ detail }) => onChange(detail.value)}
          />
        );
      case "select":
        return (
          <Select
            options={choices}
            selectedOption={find(choices, text)}
            onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
            filteringType={choices.length > FILTER_FROM ? "auto" : "none"}
            placeholder={field.placeholder ?? "Choose one"}
            empty={field.none ?? "There are no choices."}
            expandToViewport
          />
        );
      case "multi": {
        const chosen = Array.isArray(value) ? (value as readonly string[]) : [];
        return (
          <Multiselect
            options={choices}
            selectedOptions={chosen.map((each) => find(choices, each) ?? { value: each, label: each })}
            onChange={({ detail }) => onChange(detail.selectedOptions.map((option) => option.value ?? ""))}
            filteringType={choices.length > FILTER_FROM ? "auto" : "none"}
            placeholder={field.placeholder ?? "Choose"}
            empty={field.none ?? "There are no choices."}
            deselectAriaLabel={(option) => `Remove ${option.label ?? option.value}`}
            expandToViewport
          />
        );
      }
      case "choice":
        return <RadioGroup items={choices} value={text} onChange={({ detail }) => onChange(detail.value)} />;
      default:
        return (
          <Input
            value={text}
            placeholder={field.placeholder ?? ""}
            autoComplete={false}
            onChange={({ detail }) => onChange(detail.value)}
          />
        );
    }
  }
}

function find(choices: readonly Choice[], value: string): Choice | null {
  return choices.find((choice) => choice.value === value) ?? null;
}
