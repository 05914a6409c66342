import Alert from "@cloudscape-design/components/alert";
import { FailureCallout } from "../jobs/parts/FailureCallout";
import { HostileText } from "../jobs/parts/HostileText";
import { asFailedJob, copyPath, type Model } from "./model";

/** The message of a training: why it failed and what to change, or a warning. */
export function ModelMessage({ model }: { readonly model: Model }) {
  const { message, status } = model;
  if (message === undefined || message === "") return null;
  if (status === "IN_ERROR") {
    return <FailureCallout job={asFailedJob(model)} copy={copyPath(model)} />;
  }
  return (
    <Alert type={status === "TRAINED_WITH_WARNING" ? "warning" : "info"} header="Message of the training">
      <HostileText text={message} />
    </Alert>
  );
}
