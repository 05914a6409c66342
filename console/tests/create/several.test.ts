import { describe, expect, it } from "vitest";
import { EMPTY_SEVERAL, type SeveralDraft, validateSeveral, workOf, wrongOf } from "../../src/create/several/draft";
import { mergeChecks } from "../../src/create/several/mergeChecks";
import { startAll } from "../../src/create/several/startAll";
import { FIELD_LABELS } from "../../src/create/validate";
import { jobsOfAddress, severalPath } from "../../src/jobs/several/address";
import { stateOf } from "../../src/jobs/several/SeveralPage";

const ROLE = "arn:aws:iam::000000000001:role/reader";

function several(common: object, more: Partial<SeveralDraft> = {}): SeveralDraft {
  return { ...EMPTY_SEVERAL, ...more, common: { ...EMPTY_SEVERAL.common, ...common } };
}

describe("several analyses of one input", () => {
  const filled = { name: "speeches", input: "s3://bucket/in/", output: "s3://bucket/out/", roleArn: ROLE };
  const network = { vpc: "vpc-1", subnets: ["subnet-1"], groups: ["sg-1"] };

  it("are a request each, with what they have in common, and named after their analysis", () => {
    const work = workOf(several({ ...filled, vpc: network }, { chosen: ["entities", "pii", "topics"] }));
    expect(work.map(({ request }) => request["JobName"])).toEqual([
      "speeches-entities",
      "speeches-topics",
      "speeches-pii",
    ]);
    const [entities, topics, pii] = work.map(({ request }) => request);
    expect(entities).toMatchObject({ LanguageCode: "en", VpcConfig: { Subnets: ["subnet-1"] } });
    expect(topics).toMatchObject({ NumberOfTopics: 10 });
    expect(pii).toMatchObject({ Tags: [{ Key: "reading-room:vpc", Value: "subnet-1 sg-1" }] });
  });

  it("are at first all that need no model, without those that have no engine for the language", () => {
    const ids = (language: string) => workOf(several({ language })).map(({ type }) => type.id);
    expect(ids("en")).toContain("targeted-sentiment");
    expect(ids("de")).not.toContain("targeted-sentiment");
    expect(ids("de")).toContain("dominant-language");
    expect(ids("en")).not.toContain("classification");
  });

  it("use the chosen model of their type, and need one", () => {
    const chosen = { chosen: ["classification", "custom-entities"] };
    const models = { classifier: "arn:c", recognizer: "" };
    const draft = several(filled, { ...chosen, models });
    expect(workOf(draft).find(({ type }) => type.id === "classification")?.request).toMatchObject({
      DocumentClassifierArn: "arn:c",
    });
    expect(validateSeveral(draft)).toEqual({
      fields: {},
      kinds: undefined,
      models: { recognizer: "Choose a trained recognizer." },
    });
  });

  it("say what is wrong with each field once", () => {
    expect(wrongOf(validateSeveral(several({})), FIELD_LABELS)).toEqual([
      "Input S3 location",
      "Output S3 location",
      "IAM role",
    ]);
    expect(wrongOf(validateSeveral(several(filled, { chosen: [] })), FIELD_LABELS)).toEqual(["Analyses"]);
    expect(wrongOf(validateSeveral(several(filled)), FIELD_LABELS)).toEqual([]);
  });
});

describe("the checks of several requests", () => {
  const check = (Name: string, Status: string, Message: string) => ({ Name, Status, Message });

  it("are the worst of each, and name the analyses if not all have it", () => {
    const merged = mergeChecks([
      { label: "Entities", checks: [check("Role", "FAILED", "no role"), check("Model", "SKIPPED", "none")] },
      { label: "Topics", checks: [check("Role", "FAILED", "no role"), check("Input", "FAILED", "too small")] },
    ]);
    expect(merged).toEqual([
      check("Role", "FAILED", "no role"),
      check("Model", "SKIPPED", "none"),
      check("Input", "FAILED", "too small"),
    ]);
    const differing = mergeChecks([
      { label: "Entities", checks: [check("Request", "PASSED", "fine")] },
      { label: "Topics", checks: [check("Request", "FAILED", "no topics")] },
    ]);
    expect(differing).toEqual([check("Request", "FAILED", "Topics: no topics")]);
  });
});

describe("starting several jobs", () => {
  it("goes on after one that is refused, and does not start again what was started", async () => {
    const work = workOf(several({}, { chosen: ["entities", "sentiment", "topics"] }));
    const sent: string[] = [];
    const first = await startAll(work, new Map(), async ({ type }) => {
      sent.push(type.id);
      if (type.id === "sentiment") throw new Error("refused");
      return `id-${type.id}`;
    });
    expect(first.refused.map(({ work: { type } }) => type.id)).toEqual(["sentiment"]);
    const second = await startAll(work, first.started, async ({ type }) => {
      sent.push(type.id);
      return `id-${type.id}`;
    });
    expect(sent).toEqual(["entities", "sentiment", "topics", "sentiment"]);
    expect([...second.started.values()].map(({ id }) => id).sort()).toEqual([
      "id-entities",
      "id-sentiment",
      "id-topics",
    ]);
  });
});

describe("the page of several jobs", () => {
  it("has them in its address, which may come from anybody", () => {
    const path = severalPath([
      { slug: "entities", id: "0a" },
      { slug: "pii", id: "0b" },
    ]);
    const named = (query: string) => jobsOfAddress(new URLSearchParams(query)).map(({ kind, id }) => [kind.slug, id]);
    expect(named(path.split("?")[1] ?? "")).toEqual([
      ["entities", "0a"],
      ["pii", "0b"],
    ]);
    expect(named("job=entities/1&job=entities/1&job=no-kind/2&job=x&job=entities/../3")).toEqual([["entities", "1"]]);
    expect(named(Array.from({ length: 99 }, (_, at) => `job=pii/${at}`).join("&"))).toHaveLength(20);
  });

  it("says in one line how far they are", () => {
    const [{ kind } = { kind: undefined }] = jobsOfAddress(new URLSearchParams("job=entities/1"));
    if (kind === undefined) throw new Error("no kind");
    const state = (...statuses: ("IN_PROGRESS" | "COMPLETED" | "FAILED")[]) =>
      stateOf(statuses.map((JobStatus) => ({ kind, job: { JobStatus } }))).words;
    expect(state("IN_PROGRESS", "COMPLETED")).toBe("1 of 2 jobs ended");
    expect(state("COMPLETED", "COMPLETED")).toBe("All 2 have completed");
    expect(state("FAILED", "COMPLETED")).toBe("All have ended; 1 of 2 did not complete");
  });
});
