import { labelScores } from "../../results/parts";
import { useConfusionReport } from "../ConfusionReportView";
import type { Model } from "../model";
import { type NamedScores, namedScores, typeScores } from "./sides";

export interface LabelScoresView {
  /** Empty if the model has none. */
  readonly scores: readonly NamedScores[];
  readonly loading: boolean;
  /** Why there are none: a sentence. */
  readonly why: string | undefined;
  readonly error: unknown;
}

/** The scores of a model by label or type. Those of a classifier are in the archive that its training wrote. */
export function useLabelScores(model: Model, name: string): LabelScoresView {
  const output = model.classifier?.OutputDataConfig?.S3Uri;
  const report = useConfusionReport(output);
  if (model.kind === "recognizer") {
    return { scores: typeScores(model), loading: false, why: undefined, error: null };
  }
  if (output === undefined) {
    const why = `${name} has no scores by label: its training had no output location for a confusion matrix.`;
    return { scores: [], loading: false, why, error: null };
  }
  return {
    scores: report.data == null ? [] : namedScores(labelScores(report.data)),
    loading: report.isLoading,
    why: report.data === null ? `The archive ${output} has no confusion matrix that this page can read.` : undefined,
    error: report.error,
  };
}
