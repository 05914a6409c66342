import { describe, expect, it } from "vitest";
import { dependentsOf } from "../../src/vpc/dependents";
import { jobOf } from "../../src/vpc/jobs";
import { graphOf, inWords, neighbour, pathOfNode } from "../../src/vpc/map/graph";
import { curve } from "../../src/vpc/map/lines";
import { WORLD } from "./world";

const graph = graphOf("vpc-1", WORLD);

describe("the resource map", () => {
  it("has the VPC's own resources, and a deleted target", () => {
    expect(graph.nodes.map((node) => [node.column, node.id])).toEqual([
      [0, "vpc-1"],
      [1, "subnet-1"],
      [1, "subnet-2"],
      [2, "rtb-1"],
      [2, "rtb-2"],
      [3, "vpce-1"],
      [3, "nat-1"],
    ]);
    expect(graph.edges.find((edge) => edge.to === "nat-1")?.broken).toBe(true);
    expect(graphOf("vpc-none", WORLD).nodes).toEqual([]);
  });

  it("highlights the path of one resource and no other", () => {
    expect(pathOfNode("subnet-1", graph.edges)).toEqual(new Set(["subnet-1", "rtb-1", "vpce-1", "vpc-1"]));
    expect(pathOfNode("vpce-1", graph.edges).has("subnet-2")).toBe(false);
  });

  it("can be navigated with arrow keys", () => {
    expect(neighbour("vpc-1", "ArrowRight", graph)).toBe("subnet-1");
    expect(neighbour("subnet-1", "ArrowDown", graph)).toBe("subnet-2");
    expect(neighbour("subnet-2", "ArrowDown", graph)).toBeUndefined();
    expect(neighbour("rtb-2", "ArrowLeft", graph)).toBe("subnet-2");
  });

  it("says the same in words", () => {
    const [one, two] = inWords(graph);
    expect(one).toContain("pl-1 to vpce-1");
    expect(one).toContain("1 of them for jobs");
    expect(two).toContain("0.0.0.0/0 to nat-1, which does not exist any more");
  });

  it("draws a line from the right of one box to the left of another", () => {
    const box = (left: number) => ({ left, top: 10, width: 100, height: 20 });
    expect(curve(box(10), box(210), { left: 10, top: 0, width: 400, height: 400 })).toMatch(/^M 100 20 C .*, 200 20$/);
  });
});

describe("the job of an interface", () => {
  it("is read from Comprehend's description only", () => {
    expect(jobOf(WORLD.interfaces[0]?.Description)).toMatchObject({ id: "0a1b" });
    expect(jobOf("Amazon Comprehend job <b>x</b> (c)")).toBeUndefined();
    expect(jobOf(undefined)).toBeUndefined();
  });
});

describe("what still uses a resource", () => {
  const ids = (id: string): string[] => dependentsOf(id, WORLD).map((each) => each.id);
  it("is listed", () => {
    expect(ids("subnet-1")).toEqual(["eni-1"]);
    expect(ids("sg-2")).toEqual(["eni-1", "sg-1"]);
    expect(ids("rtb-2")).toEqual(["subnet-2"]);
    expect(ids("vpc-1").sort()).toEqual(["rtb-2", "sg-2", "subnet-1", "subnet-2", "vpce-1"]);
    expect(ids("subnet-9")).toEqual([]);
  });
});
