import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { ec2Of } from "../../src/api/ec2";
import ReachabilityPage from "../../src/vpc/ReachabilityPage";
import { answers, Frame, signedIn } from "../signedIn";
import { WORLD } from "./world";

afterEach(cleanup);

async function open(interfaces: object[]): Promise<void> {
  answers(ec2Of(await signedIn()), {
    DescribeNetworkInterfaces: { NetworkInterfaces: interfaces },
    DescribeSubnets: { Subnets: WORLD.subnets },
    DescribeSecurityGroups: { SecurityGroups: WORLD.groups },
    DescribeVpcEndpoints: {},
    DescribeInternetGateways: {},
  });
  render(<ReachabilityPage />, { wrapper: Frame });
}

describe("a question about reachability", () => {
  it("starts from a subnet and a security group, as a job would, while there is no interface", async () => {
    await open([]);
    expect(await screen.findByText("Subnet")).toBeDefined();
    expect(screen.getByText("Security group")).toBeDefined();
    expect(screen.queryByText("Source")).toBeNull();
  });

  it("starts from an interface if there is one", async () => {
    await open([...WORLD.interfaces]);
    fireEvent.mouseDown(await screen.findByRole("button", { name: /^Source/ }));
    expect(await screen.findByRole("option", { name: /eni-1/ })).toBeDefined();
    expect(screen.queryByText("Subnet")).toBeNull();
  });
});
