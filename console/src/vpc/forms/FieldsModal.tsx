import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { FormModal } from "../../components/FormModal";
import { useRefresh, useUnread } from "../data/use";
import { FieldView } from "./FieldView";
import { checkForm, type Field, type FormValues } from "./fields";

interface Props<Values extends FormValues> {
  readonly title: string;
  readonly action: string;
  readonly fields: readonly Field<Values>[];
  readonly initial: Values;
  readonly children?: ReactNode;
  /** Performs the action. An error is shown, and the form stays open as filled in. */
  readonly onSubmit: (values: Values) => Promise<void>;
  readonly onDismiss: () => void;
}

/** A form that is described by its fields. Problems are shown beside the fields before anything is sent. */
export function FieldsModal<Values extends FormValues>(props: Props<Values>) {
  const { title, action, fields, onSubmit, onDismiss } = props;
  const [values, setValues] = useState(props.initial);
  const [tried, setTried] = useState(false);
  const unread = useUnread();
  const refresh = useRefresh();
  const shown = fields.filter((field) => field.shown?.(values) ?? true);
  const problems = checkForm(shown, values);
  const change = (key: keyof Values & string, value: FormValues[string]): void => {
    setValues((known) => {
      const next = { ...known, [key]: value };
      return fields.find((field) => field.key === key)?.changed?.(next) ?? next;
    });
  };
  return (
    <FormModal
      size="large"
      title={title}
      action={action}
      what={`${action} failed`}
      sentByEnter
      check={() => {
        setTried(true);
        return Object.keys(problems).length === 0;
      }}
      onSubmit={async () => {
        await onSubmit(values);
        onDismiss();
      }}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="l">
        {props.children}
        {unread.map(({ operation, error }) => (
          <ErrorAlert
            key={operation}
            what={`Choices are missing: ${operation} failed`}
            error={error}
            onRetry={() => void refresh()}
          />
        ))}
        {shown.map((field) => (
          <FieldView
            key={field.key}
            field={field}
            value={values[field.key]}
            values={values}
            problem={tried ? problems[field.key] : undefined}
            onChange={(value) => change(field.key, value)}
          />
        ))}
      </SpaceBetween>
    </FormModal>
  );
}
