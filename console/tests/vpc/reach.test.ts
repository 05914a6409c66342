import type { EC2Client } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { analyse } from "../../src/vpc/reach/analyse";
import { explanationText, hopText } from "../../src/vpc/reach/hops";
import { pathRequest, type Question, questionProblems } from "../../src/vpc/reach/request";

const question: Question = {
  from: "resource",
  subnet: "",
  group: "",
  source: "eni-1",
  kind: "s3",
  destination: "",
  address: "",
  protocol: "tcp",
  port: "443",
};

describe("a request", () => {
  it("has its problems by field", () => {
    expect(questionProblems(question)).toEqual({});
    expect(questionProblems({ ...question, source: "" }).source).toBeDefined();
    expect(questionProblems({ ...question, kind: "interface" }).destination).toBeDefined();
    expect(questionProblems({ ...question, kind: "interface", destination: "eni-1" }).destination).toContain(
      "other than",
    );
    expect(questionProblems({ ...question, kind: "address", address: "10.0" }).address).toBeDefined();
    expect(questionProblems({ ...question, port: "0" }).port).toBeDefined();
    expect(questionProblems({ ...question, port: "" })).toEqual({});
    const job: Question = { ...question, from: "subnet", source: "" };
    expect(Object.keys(questionProblems(job))).toEqual(["subnet", "group"]);
    expect(questionProblems({ ...job, subnet: "subnet-1", group: "sg-1" })).toEqual({});
  });

  it("becomes a path: S3 by one of its addresses", () => {
    expect(pathRequest(question, "3.5.0.0/19", "t")).toEqual({
      Source: "eni-1",
      Protocol: "tcp",
      ClientToken: "t",
      DestinationIp: "3.5.0.0",
      DestinationPort: 443,
    });
    const other = pathRequest({ ...question, kind: "endpoint", destination: "vpce-1", port: "" }, undefined, "t");
    expect(other).toEqual({ Source: "eni-1", Protocol: "tcp", ClientToken: "t", Destination: "vpce-1" });
  });
});

describe("a request from a subnet and a group", () => {
  const asked: Question = {
    ...question,
    from: "subnet",
    source: "",
    subnet: "subnet-1",
    group: "sg-1",
    kind: "address",
  };

  function ec2(fails?: string) {
    const sent: string[] = [];
    const client = {
      send: async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
        const { name } = command.constructor;
        sent.push(name);
        if (name === fails) throw new Error("refused");
        if (name === "CreateNetworkInterfaceCommand") return { NetworkInterface: { NetworkInterfaceId: "eni-9" } };
        if (name === "CreateNetworkInsightsPathCommand") {
          expect(command.input["Source"]).toBe("eni-9");
          return { NetworkInsightsPath: { NetworkInsightsPathId: "nip-1" } };
        }
        if (name === "StartNetworkInsightsAnalysisCommand")
          return { NetworkInsightsAnalysis: { NetworkInsightsAnalysisId: "nia-1" } };
        if (name === "DescribeNetworkInsightsAnalysesCommand")
          return { NetworkInsightsAnalyses: [{ Status: "succeeded", NetworkPathFound: true }] };
        return {};
      },
    };
    return { sent, client: client as unknown as EC2Client };
  }

  it("starts from an interface that exists only for the analysis", async () => {
    const { sent, client } = ec2();
    const answer = await analyse(client, "us-east-1", { ...asked, address: "10.0.0.7" });
    expect(answer.NetworkPathFound).toBe(true);
    expect(sent[0]).toBe("CreateNetworkInterfaceCommand");
    expect(sent.at(-1)).toBe("DeleteNetworkInterfaceCommand");
  });

  it("leaves no interface behind if the analysis fails", async () => {
    const { sent, client } = ec2("StartNetworkInsightsAnalysisCommand");
    await expect(analyse(client, "us-east-1", { ...asked, address: "10.0.0.7" })).rejects.toThrow("refused");
    expect(sent.at(-1)).toBe("DeleteNetworkInterfaceCommand");
  });
});

describe("an answer", () => {
  it("describes each hop with the rule that decided", () => {
    const hop = hopText({
      Component: { Id: "sg-1" },
      SecurityGroupRule: {
        Direction: "egress",
        PrefixListId: "pl-1",
        Protocol: "tcp",
        PortRange: { From: 443, To: 443 },
      },
      AdditionalDetails: [{ AdditionalDetailType: "SECURITY_GROUP_RULE", Component: { Id: "sgr-1" } }],
    });
    expect(hop.what).toBe("security group");
    expect(hop.rule).toBe("sgr-1");
    expect(hop.decision).toContain("allows traffic to pl-1");
    const route = { DestinationPrefixListId: "pl-1", GatewayId: "vpce-1" };
    expect(hopText({ Component: { Id: "rtb-1" }, RouteTableRoute: route }).decision).toContain("pl-1 leads to vpce-1");
  });

  it("says why there is no path and what to change", () => {
    const group = explanationText({
      ExplanationCode: "ENI_SG_RULES_MISMATCH",
      Direction: "egress",
      NetworkInterface: { Id: "eni-1" },
      SecurityGroups: [{ Id: "sg-1" }],
    });
    expect(group.sentence).toContain("sg-1");
    expect(group.advice).toContain("outbound");
    expect(group.ids).toEqual(["sg-1", "eni-1"]);
    const route = explanationText({ ExplanationCode: "NO_ROUTE_TO_DESTINATION", RouteTable: { Id: "rtb-1" } });
    expect(route.sentence).toContain("rtb-1");
    expect(explanationText({ ExplanationCode: "SOMETHING_NEW" }).sentence).toContain("SOMETHING_NEW");
  });
});
