import { describe, expect, it } from "vitest";
import { noRecords, withEvents } from "../../src/vpc/flow/collect";
import {
  DEFAULT_FORMAT,
  describesFlow,
  EXTENDED_FORMAT,
  endOf,
  type FlowRecord,
  fieldsOf,
  NO_FILTER,
  parseRecord,
  passes,
  protocolName,
  windowEnd,
} from "../../src/vpc/flow/records";

const LINE = "2 000000000001 eni-1 10.0.0.9 52.216.0.1 40000 443 6 12 3400 1700000000 1700000060 ACCEPT OK";
const fields = fieldsOf(DEFAULT_FORMAT);
const event = (eventId: string, timestamp: number, message = LINE) => ({ eventId, timestamp, message });

function read(line: string, of = fields): FlowRecord {
  const record = parseRecord("e", 1, line, of);
  if (record === undefined) throw new Error("the line was not read");
  return record;
}

describe("flow records", () => {
  it("are parsed by the format of their flow log", () => {
    expect(fields).toHaveLength(14);
    expect(fieldsOf(undefined)).toEqual(fields);
    expect(fieldsOf(EXTENDED_FORMAT).at(-1)).toBe("traffic-path");
    expect(parseRecord("e", 1, "REJECT -", ["action", "dstport"])?.values).toEqual({ action: "REJECT" });
    expect(parseRecord("e", 1, `${LINE} more`, fields)).toBeUndefined();
    expect(parseRecord("e", 1, "", fields)).toBeUndefined();
  });

  it("are filtered by action, interface, address and port", () => {
    const record = read(LINE);
    expect(passes(record, NO_FILTER)).toBe(true);
    expect(passes(record, { ...NO_FILTER, action: "REJECT" })).toBe(false);
    expect(passes(record, { ...NO_FILTER, address: "52.216." })).toBe(true);
    expect(passes(record, { ...NO_FILTER, port: "44" })).toBe(false);
    expect(passes(record, { ...NO_FILTER, networkInterface: "eni-1", port: "443" })).toBe(true);
  });

  it("describe a flow, or a window without data", () => {
    expect(describesFlow(read(LINE))).toBe(true);
    expect(describesFlow(read("2 000000000001 eni-1 - - - - - - - 1795816075 1795816080 - NODATA"))).toBe(false);
  });

  it("have the time of the end of their window, or else of their delivery", () => {
    expect(windowEnd(read(LINE))).toBe(1_700_000_060_000);
    expect(windowEnd(read("REJECT", ["action"]))).toBe(1);
  });

  it("name addresses and protocols for people", () => {
    expect(endOf("10.0.0.4", "443")).toBe("10.0.0.4:443");
    expect(endOf("10.0.0.4", "0")).toBe("10.0.0.4");
    expect(endOf(undefined, "1")).toBe("-");
    expect(["6", "17", "58", "99", undefined].map(protocolName)).toEqual(["TCP", "UDP", "ICMPv6", "99", "-"]);
  });

  it("are kept once, newest first, and lines of other formats are counted", () => {
    const one = withEvents(noRecords(0), [event("a", 10), event("x", 11, "<img src=x>")], fields);
    const two = withEvents(one, [event("a", 10), event("b", 20), event("x", 11, "<img src=x>")], fields);
    expect(two.records.map((record) => record.id)).toEqual(["b", "a"]);
    expect(two.others).toBe(1);
    expect(two.from).toBe(20);
    expect(withEvents(two, [event("b", 20)], fields)).toBe(two);
  });
});
