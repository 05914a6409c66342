import type { ClassifierEvaluationMetrics, EntityRecognizerMetadata } from "@aws-sdk/client-comprehend";
import type { Model } from "./model";

/** A metric of a model, with its meaning. */
export interface Metric {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
  /** The value as a share of 1. */
  readonly measure: number;
  readonly lowerIsBetter: boolean;
}

type ClassifierMetric = keyof ClassifierEvaluationMetrics;

const CLASSIFIER: readonly (readonly [ClassifierMetric, string, string])[] = [
  ["Accuracy", "Accuracy", "The share of the test documents' labels that were predicted correctly."],
  [
    "Precision",
    "Precision (macro)",
    "The share of predictions that are correct: the mean over the labels, with equal weights.",
  ],
  [
    "Recall",
    "Recall (macro)",
    "The share of true labels that were predicted: the mean over the labels, with equal weights.",
  ],
  ["F1Score", "F1 score (macro)", "Precision and recall in one figure: the mean over the labels."],
  ["MicroPrecision", "Micro precision", "The share of predictions that are correct, over all labels together."],
  ["MicroRecall", "Micro recall", "The share of true labels that were predicted, over all labels together."],
  ["MicroF1Score", "Micro F1 score", "Micro precision and micro recall in one figure."],
  ["HammingLoss", "Hamming loss", "The share of wrong labels. Lower is better."],
];

/** The eight metrics of a classifier, as fractions of 1, as the API returns them. */
export function classifierMetrics(metrics: ClassifierEvaluationMetrics | undefined): Metric[] {
  return CLASSIFIER.flatMap(([member, name, meaning]) => {
    const value = metrics?.[member];
    if (value === undefined) return [];
    return [{ name, value: value.toFixed(4), meaning, measure: value, lowerIsBetter: member === "HammingLoss" }];
  });
}

interface Rates {
  readonly Precision?: number | undefined;
  readonly Recall?: number | undefined;
  readonly F1Score?: number | undefined;
}

/** The three metrics of a recognizer, which the API returns as percentages. */
export function recognizerMetrics(metrics: Rates | undefined): Metric[] {
  const rows: readonly (readonly [keyof Rates, string, string])[] = [
    [
      "Precision",
      "Precision",
      "The share of found entities that are correct, over all types. The type and both ends must be correct.",
    ],
    ["Recall", "Recall", "The share of the test documents' entities that were found, over all types."],
    ["F1Score", "F1 score", "Precision and recall in one figure."],
  ];
  return rows.flatMap(([member, name, meaning]) => {
    const value = metrics?.[member];
    if (value === undefined) return [];
    return [{ name, value: formatPercent(value), meaning, measure: value / 100, lowerIsBetter: false }];
  });
}

/** The metrics of a model of either type; none if it is not trained. */
export function metricsOf({ classifier, recognizer }: Model): Metric[] {
  return classifier !== undefined
    ? classifierMetrics(classifier.ClassifierMetadata?.EvaluationMetrics)
    : recognizerMetrics(recognizer?.RecognizerMetadata?.EvaluationMetrics);
}

export interface TypeRow {
  readonly type: string;
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  readonly f1: number | undefined;
  readonly mentions: number | undefined;
}

/** A recognizer's metrics by type. */
export function typeRows(metadata: EntityRecognizerMetadata | undefined): TypeRow[] {
  return (metadata?.EntityTypes ?? []).map(({ Type, EvaluationMetrics, NumberOfTrainMentions }) => ({
    type: Type ?? "",
    precision: EvaluationMetrics?.Precision,
    recall: EvaluationMetrics?.Recall,
    f1: EvaluationMetrics?.F1Score,
    mentions: NumberOfTrainMentions,
  }));
}

/** A metric that the API returns as a percentage. */
export function formatPercent(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(2)} %`;
}
