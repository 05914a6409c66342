import type { LabelScores } from "../../results/parts";
import { type Metric, metricsOf, typeRows } from "../metrics";
import type { Model } from "../model";

/** A metric of two models; a side is undefined if that model does not have it. */
export interface MetricPair {
  readonly name: string;
  readonly meaning: string;
  readonly one: number | undefined;
  readonly other: number | undefined;
  readonly lowerIsBetter: boolean;
}

/** The scores of a label or a type, as shares of 1. */
export interface Scores {
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  readonly f1: number | undefined;
}

/** A label of two models; a side is undefined if that model does not have the label. */
export interface LabelPair {
  readonly label: string;
  readonly one: Scores | undefined;
  readonly other: Scores | undefined;
}

/** The metrics of two models of the same type, in the order of the first. */
export function metricPairs(one: Model, other: Model): MetricPair[] {
  const [first, second] = [metricsOf(one), metricsOf(other)];
  const names = [...new Set([...first, ...second].map(({ name }) => name))];
  const named = (metrics: readonly Metric[], name: string): Metric | undefined =>
    metrics.find((metric) => metric.name === name);
  return names.map((name) => {
    const [left, right] = [named(first, name), named(second, name)];
    return {
      name,
      meaning: (left ?? right)?.meaning ?? "",
      one: left?.measure,
      other: right?.measure,
      lowerIsBetter: (left ?? right)?.lowerIsBetter ?? false,
    };
  });
}

export interface NamedScores extends Scores {
  readonly label: string;
}

/** The scores of two models by label: labels of both first, in the order of the first model. */
export function labelPairs(one: readonly NamedScores[], other: readonly NamedScores[]): LabelPair[] {
  const labels = [...new Set([...one, ...other].map(({ label }) => label))];
  const scores = (all: readonly NamedScores[], wanted: string): Scores | undefined => {
    const found = all.find(({ label }) => label === wanted);
    return found && { precision: found.precision, recall: found.recall, f1: found.f1 };
  };
  return labels
    .map((label) => ({ label, one: scores(one, label), other: scores(other, label) }))
    .sort((left, right) => Number(isOneSided(left)) - Number(isOneSided(right)));
}

function isOneSided({ one, other }: LabelPair): boolean {
  return one === undefined || other === undefined;
}

/** The scores of a recognizer's types, which the API returns as percentages. */
export function typeScores({ recognizer }: Model): NamedScores[] {
  const share = (value: number | undefined): number | undefined => (value === undefined ? undefined : value / 100);
  return typeRows(recognizer?.RecognizerMetadata).map(({ type, precision, recall, f1 }) => ({
    label: type,
    precision: share(precision),
    recall: share(recall),
    f1: share(f1),
  }));
}

/** The scores of a classifier's labels, from its confusion matrix. */
export function namedScores(scores: readonly LabelScores[]): NamedScores[] {
  return scores.map(({ label, precision, recall, f1 }) => ({ label, precision, recall, f1 }));
}

export type Verdict = "better" | "worse" | "same";

/** Whether the other model is better than the first; undefined if one of them has no value. */
export function verdictOf(one: number | undefined, other: number | undefined, lowerIsBetter = false) {
  if (one === undefined || other === undefined) return undefined;
  // As many digits as are shown.
  const difference = Number((other - one).toFixed(4));
  const verdict: Verdict = difference === 0 ? "same" : difference > 0 !== lowerIsBetter ? "better" : "worse";
  return { difference, verdict };
}

/** Whether both models were measured on the same test documents of the user, instead of parts that they held back. */
export function sameTest(one: Model, other: Model): boolean {
  const place = ({ classifier, recognizer }: Model): string | undefined =>
    classifier?.InputDataConfig?.TestS3Uri ?? recognizer?.InputDataConfig?.Documents?.TestS3Uri;
  const test = place(one);
  return test !== undefined && test === place(other);
}
