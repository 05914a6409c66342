import { describe, expect, it } from "vitest";
import { sideNames } from "../../src/models/compare/Comparison";
import { labelPairs, metricPairs, sameTest, typeScores, verdictOf } from "../../src/models/compare/sides";
import { ofClassifier, ofRecognizer } from "../../src/models/model";

const ARN = "arn:aws:comprehend:us-east-1:000000000001";
const classifier = (version: string, more: object = {}, metrics: object = {}) =>
  ofClassifier({
    DocumentClassifierArn: `${ARN}:document-classifier/tickets/version/${version}`,
    ClassifierMetadata: { EvaluationMetrics: metrics },
    ...more,
  });
const scores = (label: string, f1: number) => ({ label, precision: undefined, recall: undefined, f1 });

describe("two models", () => {
  it("have their metrics side by side, as shares of 1", () => {
    const pairs = metricPairs(
      classifier("v1", {}, { Accuracy: 0.9, HammingLoss: 0.1 }),
      classifier("v2", {}, { Accuracy: 0.95 }),
    );
    expect(pairs).toMatchObject([
      { name: "Accuracy", one: 0.9, other: 0.95, lowerIsBetter: false },
      { name: "Hamming loss", one: 0.1, other: undefined, lowerIsBetter: true },
    ]);
    const recognizer = ofRecognizer({
      RecognizerMetadata: {
        EvaluationMetrics: { F1Score: 80 },
        EntityTypes: [{ Type: "ENGINEER", EvaluationMetrics: { F1Score: 75 } }],
      },
    });
    expect(metricPairs(recognizer, recognizer)).toMatchObject([{ name: "F1 score", one: 0.8 }]);
    expect(typeScores(recognizer)).toEqual([scores("ENGINEER", 0.75)]);
  });

  it("are better or worse by what the metric means, at the digits that are shown", () => {
    expect(verdictOf(0.8, 0.9)).toEqual({ difference: 0.1, verdict: "better" });
    expect(verdictOf(0.1, 0.2, true)?.verdict).toBe("worse");
    expect(verdictOf(0.50001, 0.50002)?.verdict).toBe("same");
    expect(verdictOf(undefined, 0.5)).toBeUndefined();
  });

  it("have their labels side by side, those of only one last", () => {
    const pairs = labelPairs([scores("gone", 0.1), scores("billing", 0.5)], [scores("billing", 0.6), scores("new", 1)]);
    expect(pairs.map(({ label, one, other }) => [label, one?.f1, other?.f1])).toEqual([
      ["billing", 0.5, 0.6],
      ["gone", 0.1, undefined],
      ["new", undefined, 1],
    ]);
  });

  it("were measured on the same documents only if both trainings name the same test dataset", () => {
    const tested = (TestS3Uri?: string) => classifier("v1", { InputDataConfig: { TestS3Uri } });
    expect(sameTest(tested("s3://b/test.csv"), tested("s3://b/test.csv"))).toBe(true);
    expect(sameTest(tested("s3://b/test.csv"), tested("s3://b/other.csv"))).toBe(false);
    expect(sameTest(tested(), tested())).toBe(false);
  });

  it("are named by their versions, or whole if their names differ", () => {
    expect(sideNames(classifier("v1"), classifier("v2"))).toEqual(["v1", "v2"]);
    const other = ofClassifier({ DocumentClassifierArn: `${ARN}:document-classifier/mails` });
    expect(sideNames(classifier("v1"), other)).toEqual(["tickets/v1", "mails"]);
  });
});
