import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useAttempt } from "../../components/useAttempt";
import { FieldView } from "./FieldView";
import { checkForm, type Field, type FormValues } from "./fields";

interface Props<Values extends FormValues> {
  readonly title: string;
  readonly action: string;
  readonly fields: readonly Field<Values>[];
  readonly initial: Values;
  readonly children?: ReactNode;
  /** Does it; what it throws is shown, and the form stays as it was filled in. */
  readonly onSubmit: (values: Values) => Promise<void>;
  readonly onDismiss: () => void;
}

/** A form in a dialog: what is wrong stands beside its field before anything is sent, what AWS answers above all. */
export function FormModal<Values extends FormValues>(props: Props<Values>) {
  const { title, action, fields, onSubmit, onDismiss } = props;
  const [values, setValues] = useState(props.initial);
  const [tried, setTried] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const shown = fields.filter((field) => field.shown?.(values) ?? true);
  const problems = checkForm(shown, values);
  const submit = async (): Promise<void> => {
    setTried(true);
    if (Object.keys(problems).length > 0) return;
    await attempt(async () => {
      await onSubmit(values);
      onDismiss();
    });
  };
  const change = (key: keyof Values & string, value: FormValues[string]): void => {
    setValues((known) => {
      const next = { ...known, [key]: value };
      return fields.find((field) => field.key === key)?.changed?.(next) ?? next;
    });
  };
  return (
    <Modal
      visible
      size="large"
      header={title}
      onDismiss={onDismiss}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={() => void submit()}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Form>
          <SpaceBetween size="l">
            {props.children}
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
            {error !== undefined && <ErrorAlert what={`${action} failed`} error={error} />}
          </SpaceBetween>
        </Form>
        {/* A form with several fields is sent by the Enter key only if it has such a button. */}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Modal>
  );
}
