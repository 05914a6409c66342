import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { type ReactNode, useState } from "react";
import { S3Browser } from "./S3Browser";

interface Props {
  readonly label: string;
  readonly description?: ReactNode;
  readonly constraintText?: ReactNode;
  readonly placeholder?: string;
  readonly value: string;
  readonly onChange: (uri: string) => void;
  /** What can be chosen when browsing: a folder or object to read, or a folder to write to. */
  readonly mode: "read" | "write";
  readonly errorText?: string | undefined;
  readonly onBlur?: () => void;
}

/** A location in S3, typed or chosen from the caller's buckets. */
export function S3LocationField(props: Props) {
  const { label, description, constraintText, value, onChange, mode, errorText, onBlur } = props;
  const [browsing, setBrowsing] = useState(false);
  return (
    <FormField
      label={label}
      description={description}
      constraintText={constraintText}
      errorText={errorText}
      secondaryControl={
        <Button formAction="none" ariaLabel={`Browse S3: ${label}`} onClick={() => setBrowsing(true)}>
          Browse S3
        </Button>
      }
    >
      <Input
        value={value}
        placeholder={props.placeholder ?? "s3://bucket/prefix/"}
        autoComplete={false}
        spellcheck={false}
        onChange={({ detail }) => onChange(detail.value)}
        onBlur={onBlur}
      />
      {browsing && (
        <S3Browser
          mode={mode}
          start={value}
          onDismiss={() => setBrowsing(false)}
          onChoose={(uri) => {
            onChange(uri);
            setBrowsing(false);
          }}
        />
      )}
    </FormField>
  );
}
