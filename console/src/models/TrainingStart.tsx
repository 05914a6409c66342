import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import type { KeptDraft } from "../session/keptDraft";
import type { Model } from "./model";
import { useModel } from "./queries";
import { isLeft, startDraft } from "./startDraft";
import type { TrainingDraft } from "./training";

interface Props<Draft extends TrainingDraft> {
  readonly kept: KeptDraft<Draft>;
  readonly empty: () => Draft;
  readonly copyOf: (model: Model) => Draft;
  readonly children: (start: Draft, left: boolean) => ReactNode;
}

/** Loads the start values of a training's form: the model of ``?copy=ARN``, the form as it was left, or nothing. */
export function TrainingStart<Draft extends TrainingDraft>({ kept, empty, copyOf, children }: Props<Draft>) {
  const [parameters] = useSearchParams();
  const copied = parameters.get("copy") ?? "";
  const model = useModel(copied);
  const [left] = useState(() => isLeft(kept, empty, parameters));
  // The form copies the values once; later changes of the training do not change it.
  const found = model.data === undefined ? undefined : copyOf(model.data);
  if (copied !== "" && model.data === undefined && model.error === null) {
    return <StatusIndicator type="loading">Reading the training to copy</StatusIndicator>;
  }
  return (
    <>
      {model.error !== null && <ErrorAlert what="The training cannot be copied" error={model.error} />}
      {children(found ?? startDraft(kept, empty, parameters), left)}
    </>
  );
}
