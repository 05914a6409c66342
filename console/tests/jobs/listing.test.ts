import { describe, expect, it } from "vitest";
import { changesSince, type Listing, refresh, WHOLE_MILLISECONDS } from "../../src/jobs/listing";
import type { JobProperties, JobStatus, ListJobsRequest } from "../../src/jobs/properties";
import { boundsOf, submittedWithin } from "../../src/jobs/within";

const job = (id: string, at: number, status: JobStatus): JobProperties => ({
  JobId: id,
  SubmitTime: new Date(at),
  JobStatus: status,
});

/** A service that lists as Comprehend does: by the filter, a page at a time. */
class Service {
  jobs: JobProperties[];
  calls = 0;
  readonly page: number;

  constructor(jobs: JobProperties[], page = 500) {
    this.jobs = jobs;
    this.page = page;
  }

  readonly read = async (request: ListJobsRequest) => {
    this.calls += 1;
    const after = request.Filter?.SubmitTimeAfter?.getTime() ?? -1;
    const found = this.jobs.filter((each) => (each.SubmitTime?.getTime() ?? 0) > after);
    const from = Number(request.NextToken ?? 0);
    const end = from + this.page;
    return { jobs: found.slice(from, end), nextToken: end < found.length ? String(end) : undefined };
  };
}

describe("a list of jobs", () => {
  it("is read to its end, newest first", async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => job(String(index), 1000 + index, "COMPLETED"));
    const service = new Service(many);
    const listing = await refresh(undefined, service.read, 0);
    expect(listing.jobs).toHaveLength(10_000);
    expect(listing.jobs[0]?.JobId).toBe("9999");
    expect(service.calls).toBe(20);
  });

  it("is passed on from its first page if nothing was read before", async () => {
    const many = Array.from({ length: 1_200 }, (_, index) => job(String(index), 1000 + index, "COMPLETED"));
    const service = new Service(many);
    const firstPages: Listing[] = [];
    const whole = await refresh(undefined, service.read, 0, (first) => firstPages.push(first));
    expect(firstPages.map(({ jobs, partial }) => [jobs.length, partial])).toEqual([[500, true]]);
    expect(whole.partial).toBeUndefined();
    expect(whole.jobs).toHaveLength(1_200);
    // If reading stops after that, the next one reads everything, and the first page stays visible.
    const again = await refresh(firstPages[0], service.read, 1, (first) => firstPages.push(first));
    expect(again.jobs).toHaveLength(1_200);
    expect(firstPages).toHaveLength(1);
    await refresh(undefined, new Service(many.slice(0, 500)).read, 0, (first) => firstPages.push(first));
    expect(firstPages).toHaveLength(1);
  });

  it("is updated with one page, however long it is", async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => job(String(index), 10_000 * index, "COMPLETED"));
    const service = new Service(many);
    const before = await refresh(undefined, service.read, 0);
    service.jobs = [...many, job("new", 10_000 * 10_001, "SUBMITTED")];
    service.calls = 0;
    const after = await refresh(before, service.read, 1000);
    expect(service.calls).toBe(1);
    expect(after.jobs).toHaveLength(10_001);
    expect(after.jobs[0]?.JobId).toBe("new");
  });

  it("shows the end of a job that was active, however old it is", async () => {
    const service = new Service([job("old", 5_000, "IN_PROGRESS"), job("late", 90_000, "COMPLETED")]);
    const before = await refresh(undefined, service.read, 0);
    service.jobs = [job("old", 5_000, "FAILED"), job("late", 90_000, "COMPLETED")];
    const after = await refresh(before, service.read, 1000);
    expect(after.jobs.map((each) => [each.JobId, each.JobStatus])).toEqual([
      ["late", "COMPLETED"],
      ["old", "FAILED"],
    ]);
  });

  it("is read again after a while, because jobs may have been deleted", async () => {
    const service = new Service([job("gone", 5_000, "COMPLETED"), job("kept", 90_000, "COMPLETED")]);
    const before = await refresh(undefined, service.read, 0);
    service.jobs = service.jobs.slice(1);
    expect((await refresh(before, service.read, 1000)).jobs).toHaveLength(2);
    expect((await refresh(before, service.read, WHOLE_MILLISECONDS)).jobs.map((each) => each.JobId)).toEqual(["kept"]);
  });

  it("is the same object while nothing has changed", async () => {
    const known: Listing = { jobs: [job("1", 5_000, "COMPLETED")], readAt: 0 };
    expect(await refresh(known, async () => ({ jobs: [] }), 1000)).toBe(known);
  });

  it("requests jobs since the oldest active one, or else since the newest", () => {
    expect(changesSince([job("b", 9_000, "SUBMITTED"), job("a", 7_000, "STOP_REQUESTED")])).toEqual(new Date(6_000));
    expect(changesSince([job("b", 9_000, "FAILED"), job("a", 7_000, "STOPPED")])).toEqual(new Date(8_000));
    expect(changesSince([])).toBeUndefined();
  });
});

describe("a range of time", () => {
  it("limits the jobs by their time of submission, bounds included", () => {
    const bounds = boundsOf(
      { type: "absolute", startDate: "2026-11-27T10:00:00Z", endDate: "2026-11-27T11:00:00Z" },
      0,
    );
    if (bounds === undefined) throw new Error("no bounds");
    const at = (text: string) => submittedWithin({ SubmitTime: new Date(text) }, bounds);
    expect(at("2026-11-27T10:00:00.000Z")).toBe(true);
    expect(at("2026-11-27T11:00:00.500Z")).toBe(true);
    expect(at("2026-11-27T11:00:01.000Z")).toBe(false);
    expect(at("2026-11-27T09:59:59.999Z")).toBe(false);
    expect(submittedWithin({}, bounds)).toBe(false);
  });

  it("counts relative times from now, and has no bounds without a choice", () => {
    expect(boundsOf({ type: "relative", amount: 2, unit: "hour" }, 8_000_000)?.from).toBe(800_000);
    expect(boundsOf(null, 0)).toBeUndefined();
    expect(boundsOf({ type: "absolute", startDate: "x", endDate: "y" }, 0)).toBeUndefined();
  });
});
