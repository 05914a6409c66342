import { describe, expect, it } from "vitest";
import { joined, readDelivery, readEvent, resourcePath, shortName, statusOf } from "../../src/events/stateEvents";

const PREFIX = "arn:aws:comprehend:us-east-1:000000000001";

const event = (resource: string, kind: string, Status: string, detail: object = {}): string =>
  JSON.stringify({
    version: "0",
    id: `${resource} ${Status}`,
    "detail-type": `Comprehend ${kind} State Change`,
    account: "000000000001",
    time: "2026-12-01T12:00:00Z",
    resources: [resource],
    detail: { Sequence: 7, Status, ...detail },
  });

describe("a state event", () => {
  it("is read from EventBridge's form", () => {
    const text = event(`${PREFIX}:pii-entities-detection-job/abc`, "Job", "FAILED", {
      JobName: "letters",
      FailureCode: "NO_READ_ACCESS_TO_INPUT",
    });
    expect(readEvent(text)).toMatchObject({
      sequence: 7,
      kind: "Job",
      status: "FAILED",
      name: "letters",
      failure: "NO_READ_ACCESS_TO_INPUT",
      at: new Date("2026-12-01T12:00:00Z"),
    });
  });

  it("leads to the page of what changed, as long as that exists", () => {
    const path = (resource: string, kind: string, status = "ACTIVE") =>
      resourcePath(readEvent(event(`${PREFIX}:${resource}`, kind, status)));
    const flywheel = `/flywheels/view?${new URLSearchParams({ arn: `${PREFIX}:flywheel/mail` })}`;
    expect(path("pii-entities-detection-job/abc", "Job")).toBe("/jobs/pii/abc");
    expect(path("document-classifier/mail/version/v1", "Model")).toBe(
      `/models/view?arn=${encodeURIComponent(`${PREFIX}:document-classifier/mail/version/v1`)}`,
    );
    expect(path("document-classifier-endpoint/mail", "Endpoint")).toBe("/model-endpoints");
    expect(path("flywheel/mail", "Flywheel")).toBe(flywheel);
    expect(path("flywheel/mail/dataset/june", "Flywheel Dataset")).toBe(flywheel);
    expect(path("flywheel/mail/iteration/20261201T000000Z", "Flywheel Iteration")).toBe(flywheel);
    expect(path("flywheel/mail", "Flywheel", "DELETED")).toBeUndefined();
    expect(path("something/else", "Something")).toBeUndefined();
  });

  it("has a state in words", () => {
    expect(statusOf("TRAINED_WITH_WARNING")).toEqual({ type: "warning", label: "Trained with warning" });
    expect(statusOf("NEW_ONE")).toEqual({ type: "pending", label: "New one" });
    expect(shortName(`${PREFIX}:flywheel/mail`)).toBe("flywheel/mail");
  });
});

it("events that come are put before those that are known, and the oldest are dropped", () => {
  const [first, second, third] = ["a", "b", "c"].map((name) =>
    readEvent(event(`${PREFIX}:flywheel/${name}`, "Flywheel", "ACTIVE")),
  );
  if (first === undefined || second === undefined || third === undefined) throw new Error("three events were made");
  expect(joined([first], [second, third], 2)).toEqual([third, second]);
  expect(joined([first], [], 2)).toEqual([first]);
});

it("a delivery has its times as dates, and its event", () => {
  const text = event(`${PREFIX}:flywheel/mail`, "Flywheel", "FAILED");
  const delivery = readDelivery({
    Target: "webhook",
    State: "RETRYING",
    Attempts: 3,
    NextAttemptAt: 1_796_126_400,
    Reason: "the answer is 503",
    Event: text,
  });
  expect(delivery).toMatchObject({ attempts: 3, failed: undefined, reason: "the answer is 503" });
  expect(delivery.next?.toISOString()).toBe("2026-12-01T12:00:00.000Z");
  expect(delivery.event.status).toBe("FAILED");
});
