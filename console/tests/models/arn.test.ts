import { describe, expect, it } from "vitest";
import { createJobPath, modelPath, parseModelArn } from "../../src/models/arn";

const ARN = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/tickets";

describe("a model's ARN", () => {
  it("contains type, name and version", () => {
    expect(parseModelArn(ARN)).toEqual({
      kind: "classifier",
      region: "us-east-1",
      account: "000000000001",
      name: "tickets",
      version: undefined,
    });
    expect(parseModelArn(`${ARN}/version/v-1`)).toMatchObject({ name: "tickets", version: "v-1" });
    expect(parseModelArn(ARN.replace("document-classifier", "entity-recognizer"))?.kind).toBe("recognizer");
  });

  it.each([
    "",
    "tickets",
    `${ARN}/`,
    `${ARN}/version/`,
    `${ARN}-`,
    ARN.replace("document-classifier", "flywheel"),
    ARN.replace("000000000001", "1"),
    `${ARN}"><script>`,
  ])("is not %j", (text) => {
    expect(parseModelArn(text)).toBeUndefined();
  });

  it("survives being part of an address", () => {
    const arn = `${ARN}/version/v1`;
    for (const path of [modelPath(arn), createJobPath(arn)]) {
      const [, value] = new URLSearchParams(path.slice(path.indexOf("?"))).entries().next().value ?? [];
      expect(value).toBe(arn);
    }
  });
});
