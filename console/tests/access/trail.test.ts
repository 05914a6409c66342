import { describe, expect, it } from "vitest";
import {
  causesDenial,
  conditionText,
  type Denial,
  encodedMessageIn,
  encodedMessageOf,
  otherMismatches,
  requestIdOf,
  simulatorHref,
} from "../../src/access/explain/explanation";
import { isDenial, lookupRequest, readEvent } from "../../src/access/trail/events";

const event = (whole: object) =>
  readEvent({
    EventId: "e",
    EventName: "CreateVpc",
    EventTime: new Date(0),
    ReadOnly: "false",
    CloudTrailEvent: JSON.stringify(whole),
  });

describe("events", () => {
  it("include details from the event's text", () => {
    const read = event({
      userIdentity: { arn: "arn:aws:iam::1:user/ann" },
      errorCode: "Client.UnauthorizedOperation",
      requestID: "r-1",
      vpcEndpointId: "vpce-1",
    });
    expect(read).toMatchObject({
      principal: "arn:aws:iam::1:user/ann",
      requestId: "r-1",
      endpoint: "vpce-1",
      readOnly: false,
    });
    expect(isDenial(read)).toBe(true);
  });

  it("with other errors are not denials", () => {
    expect(isDenial(event({ errorCode: "Client.InvalidVpcID.NotFound" }))).toBe(false);
    expect(isDenial(event({}))).toBe(false);
  });

  it("with a malformed text are shown as they are", () => {
    const read = readEvent({ EventId: "e", CloudTrailEvent: "{oh" });
    expect(read.text).toBe("{oh");
    expect(read.principal).toBe("-");
  });

  it("of services show who invoked them", () => {
    expect(event({ userIdentity: { type: "AWSService", invokedBy: "comprehend.amazonaws.com" } }).user).toBe(
      "comprehend.amazonaws.com",
    );
  });
});

describe("lookupRequest", () => {
  it("has one attribute, a range and a token", () => {
    expect(lookupRequest({ attribute: "EventName", value: " CreateVpc ", from: 0 }, "t")).toEqual({
      MaxResults: 50,
      LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "CreateVpc" }],
      StartTime: new Date(0),
      NextToken: "t",
    });
  });

  it("requests everything without a value", () => {
    expect(lookupRequest({ attribute: "EventName", value: " " })).toEqual({ MaxResults: 50 });
  });
});

describe("what people paste", () => {
  it("may be EC2's whole error or its encoded message", () => {
    const error = "You are not authorized. Encoded authorization failure message: AbC-_1== more";
    expect(encodedMessageIn(error)).toBe("AbC-_1==");
    expect(encodedMessageOf(error)).toBe("AbC-_1==");
    expect(encodedMessageOf(" AbC ")).toBe("AbC");
  });

  it("may be an id or a text with one", () => {
    const id = "3f0c2f8e-6a57-4a0e-9d0c-0e9a4ad0c3f1";
    expect(requestIdOf(` ${id}\n`)).toBe(id);
    expect(requestIdOf(`AccessDenied (Request ID: ${id})`)).toBe(id);
    expect(requestIdOf("nothing in here")).toBeUndefined();
    expect(requestIdOf("../../etc")).toBeUndefined();
  });
});

describe("denials", () => {
  const denial = (PrincipalArn: string, Resource: string) =>
    ({ PrincipalArn, Resource, Action: "s3:GetObject" }) as Denial;

  it("are simulated with the role of a session", () => {
    const href = simulatorHref(denial("arn:aws:sts::1:assumed-role/Nightly/x", "arn:aws:s3:::a/b&c"));
    const parameters = new URL(href, "http://console").searchParams;
    expect(parameters.get("principal")).toBe("arn:aws:iam::1:role/Nightly");
    expect(parameters.get("resource")).toBe("arn:aws:s3:::a/b&c");
  });

  it("on every resource name no resource", () => {
    expect(simulatorHref(denial("arn:aws:iam::1:user/ann", "*"))).not.toContain("resource");
  });

  it("show what a condition requires and what the request had", () => {
    const condition = { Operator: "IpAddress", Key: "aws:SourceIp", Wanted: ["10.0.0.0/8"], Found: [], Holds: false };
    expect(conditionText(condition)).toBe(
      "IpAddress on aws:SourceIp wants 10.0.0.0/8; the request has no such key: fails",
    );
    expect(conditionText({ ...condition, Found: ["10.1.2.3"], Holds: true })).toContain("is 10.1.2.3: holds");
    const mismatches = ["Condition IpAddress on aws:sourceip wants x", "Action is another"];
    expect(otherMismatches({ Mismatches: mismatches, Conditions: [condition] })).toEqual(["Action is another"]);
    expect(otherMismatches({ Mismatches: mismatches, Conditions: [] })).toEqual(mismatches);
    // The causes of a denial are red: a failing condition of an allow statement, and a true one of a deny statement.
    expect(causesDenial("Allow", false)).toBe(true);
    expect(causesDenial("Allow", true)).toBe(false);
    expect(causesDenial("Deny", true)).toBe(true);
    expect(causesDenial("Deny", false)).toBe(false);
  });
});
