import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { comprehendOf } from "../../src/api/comprehend";
import { endpointOf } from "../../src/endpoints/endpoint";
import { endedOf, figuresOf, isNew, runningOf } from "../../src/home/activity";
import HomePage from "../../src/home/HomePage";
import type { ListedJob } from "../../src/jobs/hooks";
import { JOB_KINDS } from "../../src/jobs/kinds";
import type { JobStatus } from "../../src/jobs/properties";
import { ofClassifier } from "../../src/models/model";
import { answers, Frame, signedIn } from "../signedIn";

afterEach(cleanup);

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const [kind] = JOB_KINDS;
if (kind === undefined) throw new Error("there are no kinds");

const job = (JobId: string, JobStatus: JobStatus, hoursAgo?: number): ListedJob => ({
  kind,
  job: {
    JobId,
    JobName: JobId,
    JobStatus,
    ...(hoursAgo !== undefined && { EndTime: new Date(NOW - hoursAgo * HOUR) }),
  },
});
const model = (name: string, Status: string, more: object = {}) =>
  ofClassifier({
    DocumentClassifierArn: `arn:aws:comprehend:us-east-1:000000000001:document-classifier/${name}`,
    Status: Status as never,
    ...more,
  });
const endpoint = (name: string, Status: string) =>
  endpointOf({
    EndpointArn: `arn:aws:comprehend:us-east-1:000000000001:document-classifier-endpoint/${name}`,
    Status: Status as never,
  });

describe("what a user has", () => {
  const belongings = {
    jobs: [
      job("runs", "IN_PROGRESS"),
      job("old", "COMPLETED", 30),
      job("failed", "FAILED", 2),
      job("new", "COMPLETED", 1),
    ],
    models: [
      model("trains", "TRAINING"),
      model("copied", "TRAINED", { SourceModelArn: "arn" }),
      model("trained", "TRAINED", { EndTime: new Date(NOW - 3 * HOUR) }),
    ],
    endpoints: [endpoint("coming", "CREATING"), endpoint("serving", "IN_SERVICE")],
  };

  it("runs, as jobs, trainings and endpoints that are changing", () => {
    expect(runningOf(belongings).map(({ what }) => what)).toEqual(["job", "model", "endpoint"]);
  });

  it("has ended, the latest first; a copied model was not trained here", () => {
    const names = endedOf(belongings, 3).map((each) => (each.what === "job" ? each.listed.job.JobId : each.model.name));
    expect(names).toEqual(["new", "failed", "trained"]);
  });

  it("is counted: what ended within the last day, and what can be used", () => {
    expect(figuresOf(belongings, NOW)).toEqual({ running: 3, completed: 1, failed: 1, models: 2, endpoints: 1 });
    expect(figuresOf({ jobs: [], models: undefined, endpoints: undefined }, NOW)).toMatchObject({ models: undefined });
  });

  it("is nothing only if every list could be read", () => {
    expect(isNew({ jobs: [], models: [], endpoints: [] })).toBe(true);
    expect(isNew({ jobs: [], models: undefined, endpoints: [] })).toBe(false);
  });
});

describe("the home page", () => {
  const lists = Object.fromEntries(JOB_KINDS.map((each) => [`List${each.operation}Jobs`, {}]));
  const nothing = { ...lists, ListDocumentClassifiers: {}, ListEntityRecognizers: {}, ListEndpoints: {} };

  async function open(operations: Readonly<Record<string, object>>): Promise<void> {
    answers(comprehendOf(await signedIn()), operations);
    render(<HomePage />, { wrapper: Frame });
  }

  it("leads a new user to a first job", async () => {
    await open(nothing);
    const link = await screen.findByRole("link", { name: "Create a job" });
    expect(link.getAttribute("href")).toBe("/jobs/create");
    expect(screen.queryByText("Running now")).toBeNull();
  });

  it("lists what runs and what has ended, with the results of a job that completed", async () => {
    const properties = [
      { JobId: "1", JobName: "running", JobStatus: "IN_PROGRESS", SubmitTime: new Date() },
      { JobId: "2", JobName: "finished", JobStatus: "COMPLETED", SubmitTime: new Date(), EndTime: new Date() },
    ];
    await open({ ...nothing, ListEntitiesDetectionJobs: { EntitiesDetectionJobPropertiesList: properties } });
    expect(await screen.findByRole("row", { name: /running.*Entities.*In progress/ })).toBeDefined();
    const ended = await screen.findByRole("row", { name: /finished.*Completed/ });
    expect(within(ended).getByRole("link", { name: "Results of finished" }).getAttribute("href")).toBe(
      "/jobs/entities/2/results",
    );
    expect(within(ended).getByRole("button", { name: "Run finished again" })).toBeDefined();
  });

  it("says once what it may not list, and shows the rest", async () => {
    await open({ ...lists, ListEndpoints: {} });
    expect((await screen.findByTestId("unlisted")).textContent).toContain("classifiers and entity recognizers");
    expect(screen.getByText("Running now")).toBeDefined();
  });
});
