import type { ClassifierEvaluationMetrics, EntityRecognizerMetadata } from "@aws-sdk/client-comprehend";

/** A figure of a model with what it means. */
export interface Metric {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

type ClassifierMetric = keyof ClassifierEvaluationMetrics;

const CLASSIFIER: readonly (readonly [ClassifierMetric, string, string])[] = [
  ["Accuracy", "Accuracy", "Correctly predicted labels of all labels of the test documents."],
  ["Precision", "Precision (macro)", "Right among the predicted: the mean over the labels, each counting the same."],
  ["Recall", "Recall (macro)", "Found among the true: the mean over the labels, each counting the same."],
  ["F1Score", "F1 score (macro)", "Precision and recall in one figure: the mean over the labels."],
  ["MicroPrecision", "Micro precision", "Right among the predicted, counted over all labels together."],
  ["MicroRecall", "Micro recall", "Found among the true, counted over all labels together."],
  ["MicroF1Score", "Micro F1 score", "Micro precision and micro recall in one figure."],
  ["HammingLoss", "Hamming loss", "The share of wrong labels. Less is better."],
];

/** The eight figures of a classifier, fractions of 1 as the API gives them. */
export function classifierMetrics(metrics: ClassifierEvaluationMetrics | undefined): Metric[] {
  return CLASSIFIER.flatMap(([member, name, meaning]) => {
    const value = metrics?.[member];
    return value === undefined ? [] : [{ name, value: value.toFixed(4), meaning }];
  });
}

interface Rates {
  readonly Precision?: number | undefined;
  readonly Recall?: number | undefined;
  readonly F1Score?: number | undefined;
}

/** The three figures of a recognizer; the API gives them in per cent. */
export function recognizerMetrics(metrics: Rates | undefined): Metric[] {
  const rows: readonly (readonly [keyof Rates, string, string])[] = [
    ["Precision", "Precision", "Right among the entities found, over all types. Type and both ends must be right."],
    ["Recall", "Recall", "Found among the entities of the test documents, over all types."],
    ["F1Score", "F1 score", "Precision and recall in one figure."],
  ];
  return rows.flatMap(([member, name, meaning]) => {
    const value = metrics?.[member];
    return value === undefined ? [] : [{ name, value: formatPercent(value), meaning }];
  });
}

export interface TypeRow {
  readonly type: string;
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  readonly f1: number | undefined;
  readonly mentions: number | undefined;
}

/** A recognizer's figures type by type. */
export function typeRows(metadata: EntityRecognizerMetadata | undefined): TypeRow[] {
  return (metadata?.EntityTypes ?? []).map(({ Type, EvaluationMetrics, NumberOfTrainMentions }) => ({
    type: Type ?? "",
    precision: EvaluationMetrics?.Precision,
    recall: EvaluationMetrics?.Recall,
    f1: EvaluationMetrics?.F1Score,
    mentions: NumberOfTrainMentions,
  }));
}

/** A figure that the API gives in per cent. */
export function formatPercent(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(2)} %`;
}
