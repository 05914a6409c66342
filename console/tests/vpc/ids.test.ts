import { describe, expect, it } from "vitest";
import { checkForm } from "../../src/vpc/forms/fields";
import { labelOf, nameTag, pathOf } from "../../src/vpc/ids";
import { destinationParameter, tableOf, targetParameter } from "../../src/vpc/routes";
import { WORLD } from "./world";

describe("ids", () => {
  it("link to their pages, and nothing else does", () => {
    expect(pathOf("eipalloc-0123456789abcdef0")).toBe("/vpc/gateways/eipalloc-0123456789abcdef0");
    for (const text of ["vpc-../../s3", "javascript:alert(1)", "sgr-0123456789abcdef0", "local", "vpc-"])
      expect(pathOf(text), text).toBeUndefined();
  });

  it("are shown with the name from their tags", () => {
    expect(labelOf("vpc-1", [{ Key: "Name", Value: "readers" }])).toBe("vpc-1 (readers)");
    expect(nameTag("vpc", " ")).toEqual([]);
  });
});

describe("routes", () => {
  it("name targets and destinations by their kind", () => {
    expect(targetParameter("nat-1")).toEqual({ NatGatewayId: "nat-1" });
    expect(targetParameter("igw-1")).toEqual({ GatewayId: "igw-1" });
    expect(destinationParameter("pl-1")).toEqual({ DestinationPrefixListId: "pl-1" });
  });

  it("are those of the subnet's own table, or of the main one", () => {
    const table = (id: string) => tableOf({ SubnetId: id, VpcId: "vpc-1" }, WORLD.routeTables)?.RouteTableId;
    expect([table("subnet-1"), table("subnet-2")]).toEqual(["rtb-1", "rtb-2"]);
  });
});

describe("forms", () => {
  it("require what is not optional, and say what is wrong with the rest", () => {
    const fields = [
      { key: "name", label: "Name", kind: "text" },
      { key: "size", label: "Size", kind: "text", optional: true, problem: () => "too large" },
    ] as const;
    expect(checkForm(fields, { name: " ", size: "" })).toEqual({ name: "Name: this field is required." });
    expect(checkForm(fields, { name: "a", size: "9" })).toEqual({ size: "too large" });
  });
});
