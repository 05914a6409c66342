import { describe, expect, it } from "vitest";
import {
  asFailedJob,
  canDelete,
  canStop,
  deletionWord,
  isMoving,
  isUsable,
  newestFirst,
  ofClassifier,
  ofRecognizer,
  statusOf,
  trainingId,
} from "../../src/models/model";

const ARN = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/tickets/version/v1";
const model = (Status: string, more: object = {}) =>
  ofClassifier({ DocumentClassifierArn: ARN, Status: Status as never, ...more });

describe("a model", () => {
  it("has name and version from its ARN", () => {
    expect(model("TRAINED")).toMatchObject({ kind: "classifier", name: "tickets", version: "v1" });
    expect(
      ofRecognizer({ EntityRecognizerArn: "arn:aws:comprehend:us-east-1:000000000001:entity-recognizer/x" }),
    ).toMatchObject({ kind: "recognizer", name: "x", version: undefined });
  });

  it("can be stopped only while it trains, and not as a copy", () => {
    expect(["SUBMITTED", "TRAINING"].map((status) => canStop(model(status)))).toEqual([true, true]);
    expect(["STOP_REQUESTED", "TRAINED", "IN_ERROR"].some((status) => canStop(model(status)))).toBe(false);
    expect(canStop(model("SUBMITTED", { SourceModelArn: ARN }))).toBe(false);
  });

  it("can be deleted only if its status is final", () => {
    for (const status of ["TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED"]) {
      expect(canDelete(model(status)), status).toBe(true);
      expect(isMoving(model(status)), status).toBe(false);
    }
    for (const status of ["SUBMITTED", "TRAINING", "STOP_REQUESTED", "DELETING"]) {
      expect(canDelete(model(status)), status).toBe(false);
      expect(isMoving(model(status)), status).toBe(true);
    }
  });

  it("is usable when it is trained, with warnings too", () => {
    expect(isUsable(model("TRAINED_WITH_WARNING"))).toBe(true);
    expect(isUsable(model("IN_ERROR"))).toBe(false);
  });

  it("requires name and version to be typed before it is deleted", () => {
    expect(deletionWord(model("TRAINED"))).toBe("tickets/v1");
    expect(deletionWord({ ...model("TRAINED"), version: undefined })).toBe("tickets");
  });

  it("has its training's id if its output location contains it", () => {
    const S3Uri = "s3://library/models/000000000001-CLR-76c11a315f7fb0a375cfa978ae7422a4/output/output.tar.gz";
    expect(trainingId(model("TRAINED", { OutputDataConfig: { S3Uri } }))).toBe("76c11a315f7fb0a375cfa978ae7422a4");
    expect(trainingId(model("TRAINED", { OutputDataConfig: {} }))).toBeUndefined();
  });

  it("shows an unknown status as it is", () => {
    expect(statusOf("NEW_STATUS").label).toBe("NEW_STATUS");
  });
});

describe("a list of models", () => {
  it("has the newest first", () => {
    const old = { ...model("TRAINED"), arn: "old", submitted: new Date(1) };
    const recent = { ...model("TRAINED"), arn: "recent", submitted: new Date(2) };
    expect(newestFirst([old, recent]).map(({ arn }) => arn)).toEqual(["recent", "old"]);
  });
});

describe("a failed training", () => {
  it("has the properties of a failed job: role, input, output and network", () => {
    const failed = model("IN_ERROR", {
      Message: "NO_READ_ACCESS_TO_INPUT: s3://library/x",
      DataAccessRoleArn: "arn:aws:iam::000000000001:role/reader",
      InputDataConfig: { S3Uri: "s3://library/x" },
      OutputDataConfig: {},
      VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] },
    });
    expect(asFailedJob(failed)).toEqual({
      JobStatus: "FAILED",
      Message: "NO_READ_ACCESS_TO_INPUT: s3://library/x",
      DataAccessRoleArn: "arn:aws:iam::000000000001:role/reader",
      InputDataConfig: { S3Uri: "s3://library/x" },
      VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] },
    });
  });
});
