import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { splitIds } from "./vpc";

interface Props {
  readonly label: string;
  readonly description: string;
  readonly placeholder: string;
  readonly ids: readonly string[];
  readonly errorText?: string | undefined;
  readonly onChange: (ids: readonly string[]) => void;
}

/** A field for ids, for users who may not list the resources. */
export function IdsInput({ label, description, placeholder, ids, errorText, onChange }: Props) {
  // The text as it was typed, while it has the same ids: a comma at the end must not disappear.
  const [text, setText] = useState(ids.join(", "));
  const shown = splitIds(text).join() === ids.join() ? text : ids.join(", ");
  return (
    <FormField label={label} description={description} errorText={errorText} stretch>
      <Input
        value={shown}
        placeholder={placeholder}
        autoComplete={false}
        spellcheck={false}
        onChange={({ detail }) => {
          setText(detail.value);
          onChange(splitIds(detail.value));
        }}
      />
    </FormField>
  );
}
