import { describe, expect, it } from "vitest";
import { endOf, fieldsOf, protocolName, readRecord, sourcesOf, tellsOfFlow } from "../../src/jobs/flowRecords";

/** A flow log's format: each field in a dollar sign and braces. */
const format = (...fields: string[]): string => fields.map((name) => `$\{${name}}`).join(" ");

describe("flow records", () => {
  it("are read by the fields of version 2 where a flow log has no format", () => {
    const line =
      "2 000000000001 eni-0207f1d59de4e048f 10.0.1.6 52.216.0.10 48944 443 6 32 16923 1795816000 1795816017 ACCEPT OK";
    const record = readRecord(line, fieldsOf(undefined));
    expect(record).toMatchObject({ srcaddr: "10.0.1.6", dstport: "443", action: "ACCEPT", "log-status": "OK" });
    expect(record && tellsOfFlow(record)).toBe(true);
  });

  it("are read by the format of their flow log", () => {
    const fields = fieldsOf(format("action", "pkt-srcaddr", "bytes"));
    expect(readRecord("REJECT 10.0.0.4 60\n", fields)).toEqual({
      action: "REJECT",
      "pkt-srcaddr": "10.0.0.4",
      bytes: "60",
    });
  });

  it("of another form are none", () => {
    expect(readRecord("REJECT 10.0.0.4", fieldsOf(format("action", "srcaddr", "bytes")))).toBeUndefined();
    expect(readRecord("", fieldsOf(undefined))).toBeUndefined();
  });

  it("that say that nothing passed tell of no flow", () => {
    const line = "2 000000000001 eni-0523bf125022f64b3 - - - - - - - 1795816075 1795816080 - NODATA";
    const record = readRecord(line, fieldsOf(undefined));
    expect(record && tellsOfFlow(record)).toBe(false);
  });

  it("name ends and protocols as people do", () => {
    expect(endOf("10.0.0.4", "443")).toBe("10.0.0.4:443");
    expect(endOf("10.0.0.4", "0")).toBe("10.0.0.4");
    expect(endOf(undefined, "1")).toBe("-");
    expect([protocolName("6"), protocolName("17"), protocolName("99"), protocolName(undefined)]).toEqual([
      "TCP",
      "UDP",
      "99",
      "-",
    ]);
  });

  it("are looked for in the log groups of flow logs, each once", () => {
    const logs = { LogDestinationType: "cloud-watch-logs", LogGroupName: "a", ResourceId: "vpc-1" };
    expect(sourcesOf([logs, { ...logs, ResourceId: "subnet-1" }, { LogDestinationType: "s3" }])).toEqual([
      { group: "a", format: undefined, of: "vpc-1" },
    ]);
  });
});
