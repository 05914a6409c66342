import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import { expect, test } from "vitest";
import type { ListedJob } from "../../src/jobs/hooks";
import { kindOf } from "../../src/jobs/kinds";
import { hasResults, type JobStatus, outcomeWords } from "../../src/jobs/properties";
import { canStop, stopAll, whyNotStopped } from "../../src/jobs/stopping";

function listed(slug: string, JobId: string, JobStatus: JobStatus): ListedJob {
  const kind = kindOf(slug);
  if (kind === undefined) throw new Error(`no kind ${slug}`);
  return { kind, job: { JobId, JobStatus } };
}

test("running jobs can be stopped, if AWS can stop their type", () => {
  expect(canStop(listed("entities", "a", "IN_PROGRESS"))).toBe(true);
  expect(canStop(listed("entities", "a", "STOP_REQUESTED"))).toBe(false);
  expect(canStop(listed("entities", "a", "COMPLETED"))).toBe(false);
  expect(canStop(listed("topics", "a", "IN_PROGRESS"))).toBe(false);
  expect(whyNotStopped([])).toContain("Choose");
  expect(whyNotStopped([listed("topics", "a", "IN_PROGRESS")])).toContain("no operation");
  expect(whyNotStopped([listed("entities", "a", "COMPLETED")])).toContain("has ended");
});

test("an error for one job does not keep the others from stopping", async () => {
  const stopped: unknown[] = [];
  const client = {
    send: async ({ input }: { input: { JobId: string } }) => {
      stopped.push(input.JobId);
      if (input.JobId === "b") throw new Error("gone");
      return {};
    },
  } as unknown as ComprehendClient;
  const jobs = ["a", "b", "c"].map((id) => listed("sentiment", id, "IN_PROGRESS"));
  const refused = await stopAll(client, jobs);
  expect(stopped).toEqual(["a", "b", "c"]);
  expect(refused.map((each) => each.listed.job.JobId)).toEqual(["b"]);
});

test.each([
  ["COMPLETED", "completed, 2 of 7 documents failed", "2 of 7 documents failed"],
  ["COMPLETED", "2 of 7 documents failed", "2 of 7 documents failed"],
  ["COMPLETED", "", undefined],
  ["COMPLETED", undefined, undefined],
  ["COMPLETED", "completed", "completed"],
  ["FAILED", "INPUT_NOT_FOUND: no object", undefined],
] as const)("a job that is %s with %j says of its documents: %j", (JobStatus, Message, words) => {
  expect(outcomeWords({ JobStatus, ...(Message !== undefined && { Message }) })).toBe(words);
});

test("a stopped job has results, too", () => {
  expect((["COMPLETED", "STOPPED", "FAILED", "IN_PROGRESS"] as const).filter(hasResults)).toEqual([
    "COMPLETED",
    "STOPPED",
  ]);
});
