import { expect, it } from "vitest";
import { sourcesOf } from "../../src/jobs/flowReading";

it("looks for flow records in the log groups of flow logs, once in each", () => {
  const logs = { LogDestinationType: "cloud-watch-logs", LogGroupName: "a", ResourceId: "vpc-1" } as const;
  expect(sourcesOf([logs, { ...logs, ResourceId: "subnet-1" }, { LogDestinationType: "s3" }])).toEqual([
    { group: "a", format: undefined, of: "vpc-1" },
  ]);
});
