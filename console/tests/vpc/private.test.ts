import { describe, expect, it } from "vitest";
import {
  completed,
  firstFree,
  type PrivateVpc,
  planProblems,
  planSentences,
  returnAddress,
  subnetBlocks,
} from "../../src/vpc/private/plan";
import { type Progress, removeMade, runSteps } from "../../src/vpc/private/run";
import type { Step } from "../../src/vpc/private/steps";

const wanted: PrivateVpc = {
  name: "p",
  cidr: "10.0.0.0/16",
  subnets: 2,
  buckets: ["library"],
  closed: true,
  flowLog: true,
  logGroup: "/vpc/p",
  roleName: "p-flow-logs",
  services: [],
};

describe("the plan of a private VPC", () => {
  it("makes subnets as large as they fit", () => {
    expect(subnetBlocks("10.0.0.0/16", 2)).toEqual(["10.0.0.0/24", "10.0.1.0/24"]);
    expect(subnetBlocks("10.0.0.0/26", 3)).toEqual(["10.0.0.0/28", "10.0.0.16/28", "10.0.0.32/28"]);
    expect(subnetBlocks("10.0.0.0/28", 2)).toHaveLength(1);
  });

  it("has its problems by field", () => {
    expect(planProblems(wanted)).toEqual({});
    expect(planProblems({ ...wanted, cidr: "10.0.0.0/28" }).subnets).toContain("too small");
    expect(planProblems({ ...wanted, buckets: [] }).buckets).toContain("Enter the buckets");
    expect(planProblems({ ...wanted, closed: false, buckets: [] })).toEqual({});
    expect(planProblems({ ...wanted, buckets: ["Not A Bucket"] }).buckets).toContain("Not A Bucket");
    expect(planProblems({ ...wanted, roleName: "a b" }).roleName).toBeDefined();
    expect(planProblems({ ...wanted, flowLog: false, roleName: "" })).toEqual({});
  });

  it("starts with a name and a block that no other VPC has", () => {
    expect(firstFree([])).toEqual({ name: "private", cidr: "10.0.0.0/16" });
    const existing = [
      { name: "Private", blocks: ["10.0.0.0/16", "10.1.4.0/24"] },
      { name: "private-2", blocks: ["10.3.0.0/16"] },
      { name: undefined, blocks: ["172.31.0.0/16"] },
    ];
    expect(firstFree(existing)).toEqual({ name: "private-3", cidr: "10.2.0.0/16" });
    expect(firstFree([{ name: undefined, blocks: ["10.0.0.0/8"] }]).cidr).toBe("10.0.0.0/16");
  });

  it("names log group and role after the VPC, unless the user chose other names", () => {
    const first = { name: "private-2", cidr: "10.1.0.0/16" };
    expect(completed(first, {})).toMatchObject({ logGroup: "/vpc/private-2", roleName: "private-2-flow-logs" });
    const chosen = { name: "My Net", roleName: "mine" };
    expect(completed(first, chosen)).toMatchObject({ name: "My Net", logGroup: "/vpc/my-net", roleName: "mine" });
    expect(completed(first, { flowLog: false, buckets: ["b"] })).toMatchObject({ flowLog: false, buckets: ["b"] });
    expect(completed({ ...first, buckets: ["all", "of"] }, {}).buckets).toEqual(["all", "of"]);
    expect(completed({ ...first, buckets: ["all"] }, { buckets: [] }).buckets).toEqual([]);
  });

  it("says what will be created", () => {
    const text = planSentences(wanted).join("\n");
    expect(text).toContain("library");
    expect(text).toContain("/vpc/p");
    expect(planSentences({ ...wanted, flowLog: false }).join("\n")).not.toContain("flow log");
  });

  it("returns with the ids, only to pages of the console", () => {
    const made = { vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"], groups: ["sg-1"] };
    expect(returnAddress("/jobs/create?kind=entities", made)).toBe(
      "/jobs/create?kind=entities&vpc=vpc-1&subnets=subnet-1%2Csubnet-2&groups=sg-1",
    );
    for (const outside of [null, "//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
      expect(returnAddress(outside, made)).toBeUndefined();
  });
});

describe("the creation", () => {
  const removed: string[] = [];
  const made = (id: string) => ({ id, what: "thing", remove: async () => removed.push(id) });
  const steps: Step[] = [
    { title: "one", run: async (_, note) => note(made("a")) },
    {
      title: "two",
      run: async (_, note) => {
        note(made("b"));
        throw new Error("no room");
      },
    },
    { title: "three", run: async (_, note) => note(made("c")) },
  ];

  it("stops at the first failure and knows what exists, which is removed last first", async () => {
    const told: Progress[] = [];
    const last = await runSteps(steps, (progress) => told.push(progress));
    expect(last.states).toEqual(["done", "failed", "waiting"]);
    expect(String(last.error)).toContain("no room");
    expect(last.made.map((each) => each.id)).toEqual(["a", "b"]);
    expect(told[0]?.states).toEqual(["running", "waiting", "waiting"]);
    expect(await removeMade(last.made)).toEqual({ left: [], error: undefined });
    expect(removed).toEqual(["b", "a"]);
  });

  it("returns what cannot be removed", async () => {
    const stuck = { id: "s", what: "thing", remove: () => Promise.reject(new Error("in use")) };
    const { left, error } = await removeMade([made("a"), stuck]);
    expect(left).toEqual([stuck]);
    expect(String(error)).toContain("in use");
  });
});
