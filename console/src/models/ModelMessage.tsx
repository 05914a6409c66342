import Alert from "@cloudscape-design/components/alert";
import { FailureCallout } from "../jobs/parts/FailureCallout";
import { HostileText } from "../jobs/parts/HostileText";
import { MODEL_KINDS } from "./kinds";
import { asFailedJob, type Model } from "./model";

/** What a training has to say: why it failed and what to change, or what it warns of. */
export function ModelMessage({ model }: { readonly model: Model }) {
  const { message, status, kind, name } = model;
  if (message === undefined || message === "") return null;
  if (status === "IN_ERROR") {
    const again = `${MODEL_KINDS[kind].createPath}?name=${encodeURIComponent(name)}`;
    return <FailureCallout job={asFailedJob(model)} copy={again} />;
  }
  return (
    <Alert type={status === "TRAINED_WITH_WARNING" ? "warning" : "info"} header="Message of the training">
      <HostileText text={message} />
    </Alert>
  );
}
