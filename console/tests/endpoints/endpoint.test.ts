import { expect, it } from "vitest";
import {
  answers,
  canUpdate,
  endpointOf,
  formatUnits,
  isMoving,
  modelWords,
  nameProblem,
  rowsOf,
  statusOf,
  unitsProblem,
} from "../../src/endpoints/endpoint";

const PREFIX = "arn:aws:comprehend:us-east-1:000000000001";
const MAIL = endpointOf({
  EndpointArn: `${PREFIX}:document-classifier-endpoint/mail`,
  Status: "IN_SERVICE",
  ModelArn: `${PREFIX}:document-classifier/tickets/version/v2`,
  DesiredInferenceUnits: 5,
  CurrentInferenceUnits: 2,
  CreationTime: new Date(1000),
});
const PEOPLE = endpointOf({
  EndpointArn: `${PREFIX}:entity-recognizer-endpoint/people`,
  Status: "CREATING",
  DesiredModelArn: `${PREFIX}:entity-recognizer/engineers`,
  CreationTime: new Date(2000),
});

it("an endpoint has the name and the type of its ARN, and what the API says of it", () => {
  expect(MAIL).toMatchObject({ name: "mail", kind: "classifier", units: 2, desiredUnits: 5 });
  expect(MAIL.desiredModel).toBe(MAIL.model);
  expect(PEOPLE).toMatchObject({ name: "people", kind: "recognizer", units: undefined, desiredUnits: 0 });
});

it("a status says whether the endpoint answers, can be updated, and will still change", () => {
  expect([MAIL, PEOPLE].map(answers)).toEqual([true, false]);
  expect([MAIL, PEOPLE].map(canUpdate)).toEqual([true, false]);
  expect([MAIL, PEOPLE].map(isMoving)).toEqual([false, true]);
  expect(canUpdate({ ...MAIL, status: "FAILED" })).toBe(true);
  expect(statusOf("FAILED")).toEqual({ type: "error", label: "Failed" });
  expect(statusOf("NEW")).toEqual({ type: "pending", label: "NEW" });
});

it("figures belong to their endpoint, and the newest endpoint comes first", () => {
  const figures = {
    EndpointArn: MAIL.arn,
    ProvisionedInferenceUnits: 2,
    ConsumedInferenceUnits: 0.5,
    InferenceUtilization: 25,
    ThrottledCalls: 1,
  };
  expect(rowsOf([MAIL, PEOPLE], [figures]).map(({ name, metrics }) => [name, metrics])).toEqual([
    ["people", undefined],
    ["mail", figures],
  ]);
});

it("models, units and names are words", () => {
  expect(modelWords(MAIL.model)).toBe("tickets · v2");
  expect(modelWords("arn:other")).toBe("arn:other");
  expect([0, 0.256, 12.4, 1200].map(formatUnits)).toEqual(["0", "0.26", "12", "1,200"]);
  expect(nameProblem("mail-2")).toBeUndefined();
  expect(["", "-mail", "x".repeat(41)].map((name) => nameProblem(name) !== undefined)).toEqual([true, true, true]);
  expect(["1", "250"].map(unitsProblem)).toEqual([undefined, undefined]);
  expect(["", "0", "1.5", "-1"].every((units) => unitsProblem(units) !== undefined)).toBe(true);
});
