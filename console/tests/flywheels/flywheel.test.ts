import { describe, expect, it } from "vitest";
import {
  canActivate,
  isMoving,
  latestMeasured,
  metricPairs,
  parseFlywheelArn,
  statusOf,
  whyNoIteration,
} from "../../src/flywheels/flywheel";
import { stagesOf } from "../../src/flywheels/stages";
import { ARN, dataset, endpoint, FIRST, flywheel, iteration } from "./world";

describe("a flywheel", () => {
  it("has the name of its ARN, which is not that of a dataset", () => {
    expect(flywheel()).toMatchObject({ name: "mail", kind: "classifier", active: FIRST });
    expect(parseFlywheelArn(`${ARN}/dataset/june`)).toBeUndefined();
  });

  it("has a status in words, and one that is unknown stays as it is", () => {
    expect(statusOf("STOP_REQUESTED")).toEqual({ type: "pending", label: "Stop requested" });
    expect(statusOf("NEW")).toEqual({ type: "pending", label: "NEW" });
    expect([flywheel({ Status: "UPDATING" }), flywheel(), iteration({ Status: "EVALUATING" })].map(isMoving)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("starts an iteration only if it is active, none runs, and there is data to learn from", () => {
    expect(whyNoIteration(flywheel(), [dataset()], [iteration()])).toBeUndefined();
    expect(whyNoIteration(flywheel({ Status: "UPDATING" }), [dataset()], [])).toContain("not active");
    expect(whyNoIteration(flywheel(), [dataset()], [iteration({ Status: "TRAINING" })])).toContain("running");
    const unusable = [dataset({ Status: "FAILED" }), dataset({ DatasetType: "TEST" })];
    expect(whyNoIteration(flywheel(), unusable, [])).toContain("no training dataset");
  });

  it("makes a model the active one only if it is trained, evaluated and not active yet", () => {
    expect(canActivate(flywheel(), iteration())).toBe(true);
    expect(canActivate(flywheel({ Status: "UPDATING" }), iteration())).toBe(false);
    expect(canActivate(flywheel(), iteration({ Status: "FAILED" }))).toBe(false);
    expect(canActivate(flywheel(), iteration({ TrainedModelArn: FIRST }))).toBe(false);
  });

  it("shows the metrics of both models side by side, or of the new one alone", () => {
    expect(metricPairs("classifier", iteration()).map(({ name, one, other }) => [name, one, other])).toEqual([
      ["F1 score", 0.8, 0.9],
      ["Precision", 0.75, 0.95],
      ["Recall", 0.9, 0.9],
      ["Accuracy", 0.85, 0.8],
    ]);
    const first = iteration({ EvaluatedModelArn: undefined, EvaluatedModelMetrics: undefined });
    expect(metricPairs("classifier", first)[0]).toMatchObject({ one: undefined, other: 0.9 });
    expect(
      metricPairs("recognizer", iteration({ EvaluatedModelMetrics: undefined, TrainedModelMetrics: undefined })),
    ).toEqual([]);
  });

  it("shows the metrics of the newest iteration that has some", () => {
    const running = iteration({ FlywheelIterationId: "later", Status: "TRAINING", TrainedModelMetrics: undefined });
    expect(latestMeasured([running, iteration()])?.id).toBe("20261201T000100Z");
    expect(latestMeasured([running])).toBeUndefined();
  });
});

describe("the diagram", () => {
  const parts = { flywheel: flywheel(), datasets: [dataset()], iterations: [iteration()], endpoints: [endpoint()] };
  const words = (changes: object = {}): string[] =>
    stagesOf({ ...parts, ...changes }).map(({ title, status }) => `${title}: ${status.label}`);

  it("leads from the data lake to the endpoints", () => {
    expect(words()).toEqual([
      "Data lake: Made",
      "Datasets: 1 completed",
      "Iteration: Trained",
      "Evaluation: Completed",
      "Active model: Active",
      "Endpoints: 1 endpoint",
    ]);
    const facts = stagesOf(parts).flatMap((stage) => stage.facts.map(({ text }) => text));
    expect(facts).toContain("1 for training: 1,200 documents");
    expect(facts).toContain("F1 of the new model: 0.9000");
    expect(facts).toContain("front-desk: In service");
  });

  it("says what a new flywheel does not have yet, and what is not known", () => {
    const fresh = {
      flywheel: flywheel({ ActiveModelArn: undefined, Status: "CREATING" }),
      datasets: [],
      iterations: [],
    };
    expect(words({ ...fresh, endpoints: [] })).toEqual([
      "Data lake: Creating",
      "Datasets: None",
      "Iteration: None yet",
      "Evaluation: Not yet",
      "Active model: None yet",
      "Endpoints: None follow",
    ]);
    expect(
      words({ datasets: undefined, iterations: undefined, endpoints: undefined }).filter((each) =>
        each.includes("Not known"),
      ),
    ).toHaveLength(4);
  });

  it("shows where an iteration is, and where it failed", () => {
    const at = (Status: string) => words({ iterations: [iteration({ Status })] }).slice(2, 4);
    expect(at("TRAINING")).toEqual(["Iteration: Training", "Evaluation: Not yet"]);
    expect(at("EVALUATING")).toEqual(["Iteration: Trained", "Evaluation: Evaluating"]);
    expect(at("FAILED")).toEqual(["Iteration: Failed", "Evaluation: Not yet"]);
  });

  it("counts only endpoints that follow this flywheel, and names four of them", () => {
    const other = endpoint({ FlywheelArn: undefined });
    expect(words({ endpoints: [other] })[5]).toBe("Endpoints: None follow");
    const many = Array.from({ length: 6 }, (_, number) =>
      endpoint({ EndpointArn: `arn:aws:comprehend:us-east-1:000000000001:document-classifier-endpoint/e${number}` }),
    );
    const facts = stagesOf({ ...parts, endpoints: many })[5]?.facts.map(({ text }) => text);
    expect(facts).toHaveLength(5);
    expect(facts?.at(-1)).toBe("and 2 more");
    expect(words({ endpoints: [endpoint({ Status: "UPDATING" })] })[5]).toBe("Endpoints: Updating");
  });
});
