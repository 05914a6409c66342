import { describe, expect, it } from "vitest";
import { fieldProblem } from "../../src/models/fieldErrors";
import { importProblems, importRequest } from "../../src/models/importRequest";
import { classifierMetrics, recognizerMetrics, typeRows } from "../../src/models/metrics";
import { flatten } from "../../src/models/properties";

describe("the properties of a model", () => {
  it("are listed leaf by leaf", () => {
    const rows = flatten({
      DataFormat: "COMPREHEND_CSV",
      EntityTypes: [{ Type: "A" }, { Type: "B" }],
      Names: ["x", "y"],
      Nothing: undefined,
    });
    expect(rows).toEqual([
      { name: "DataFormat", value: "COMPREHEND_CSV" },
      { name: "EntityTypes[0].Type", value: "A" },
      { name: "EntityTypes[1].Type", value: "B" },
      { name: "Names", value: "x, y" },
    ]);
    expect(flatten(undefined)).toEqual([]);
  });
});

describe("figures", () => {
  it("of a classifier are eight, in fractions", () => {
    const metrics = classifierMetrics({
      Accuracy: 0.9856,
      Precision: 1,
      Recall: 0,
      F1Score: 0.5,
      MicroPrecision: 0.5,
      MicroRecall: 0.5,
      MicroF1Score: 0.5,
      HammingLoss: 0.0144,
    });
    expect(metrics.map(({ value }) => value)).toEqual([
      "0.9856",
      "1.0000",
      "0.0000",
      "0.5000",
      "0.5000",
      "0.5000",
      "0.5000",
      "0.0144",
    ]);
  });

  it("that the API does not return are not shown", () => {
    expect(classifierMetrics({ Accuracy: 0.5 })).toHaveLength(1);
    expect(classifierMetrics(undefined)).toEqual([]);
  });

  it("of a recognizer are percentages, over all and by type", () => {
    expect(recognizerMetrics({ Precision: 98.54227, Recall: 100, F1Score: 99.2 }).map(({ value }) => value)).toEqual([
      "98.54 %",
      "100.00 %",
      "99.20 %",
    ]);
    expect(typeRows({ EntityTypes: [{ Type: "A", NumberOfTrainMentions: 3 }] })).toEqual([
      { type: "A", precision: undefined, recall: undefined, f1: undefined, mentions: 3 },
    ]);
  });
});

describe("an import", () => {
  const source = "arn:aws:comprehend:us-east-1:111122223333:entity-recognizer/x/version/v1";

  it("leaves out empty values", () => {
    expect(importRequest({ source: ` ${source} `, name: "", version: "" })).toEqual({ SourceModelArn: source });
    expect(importRequest({ source, name: "y", version: "v2" })).toEqual({
      SourceModelArn: source,
      ModelName: "y",
      VersionName: "v2",
    });
  });

  it("says what is wrong by field", () => {
    const problems = importProblems({ source: "x", name: "a b", version: "-" });
    expect(Object.values(problems).every((problem) => typeof problem === "string")).toBe(true);
    expect(Object.values(importProblems({ source, name: "", version: "" })).every((each) => each === undefined)).toBe(
      true,
    );
  });
});

describe("an error of the API", () => {
  it.each([
    ["MODEL_EXISTS: arn exists already; give another VersionName or name, or delete it first.", "version"],
    ["INVALID_PARAMETERS: InputDataConfig.S3Uri is required with DataFormat COMPREHEND_CSV.", "training"],
    ["INVALID_PARAMETERS: InputDataConfig.Documents.TestS3Uri is given alone", "testDocuments"],
    ["INVALID_POLICY: ModelPolicy: Statement names s3:GetObject", "policy"],
  ])("%s is shown at %s", (message, field) => {
    expect(fieldProblem(new Error(message))).toEqual({ [field]: message });
  });

  it("that names no field is shown at no field", () => {
    expect(fieldProblem(new Error("Something else"))).toEqual({});
    expect(fieldProblem(null)).toEqual({});
  });
});
