import { describe, expect, it } from "vitest";
import { linesWith } from "../../src/jobs/logStream";
import { about, percentDone, progressWords, rateWords } from "../../src/jobs/progress";
import { otherMembers, otherProperties } from "../../src/jobs/rows";
import type { JobRun } from "../../src/jobs/runs";
import { eventOf, interfacesOf, phases, stepWords, timed, wordsOf } from "../../src/jobs/story";

const STORY = [
  { At: 1000, Event: "Submitted", Text: "submitted" },
  { At: 1025, Event: "Admitted", Text: "admitted [preparing]" },
  {
    At: 1954,
    Event: "Prepared",
    Text: "network interface eni-0fb13463106dd61b4 ready in subnet-004bfe98908c21ffd at 10.0.1.4 [running]",
  },
  { At: 20_389, Event: "OutputSeen", Text: "output seen: 13 documents, 0 errors [finishing]" },
  { At: 20_694, Event: "Released", Text: "interface and container gone [completed]" },
];

describe("a story in time", () => {
  it("has each line's time since the first and since the line before", () => {
    const lines = timed([...STORY].reverse());
    expect(lines.map((line) => line.offset)).toEqual([0, 25, 954, 19_389, 19_694]);
    expect(lines.map((line) => line.gap)).toEqual([0, 25, 929, 18_435, 305]);
    expect(lines[3]?.tone).toBe("good");
  });

  it("draws longer gaps longer, up to a maximum", () => {
    const [, , short, long] = timed(STORY);
    expect(short?.length).toBeGreaterThan(0);
    expect(long?.length).toBeGreaterThan(short?.length ?? 1);
    const [, endless] = timed([
      { At: 0, Event: "Submitted", Text: "" },
      { At: 1e12, Event: "Admitted", Text: "" },
    ]);
    expect(endless?.length).toBe(1);
  });

  it("is divided into phases that last as long as the job did", () => {
    const spans = phases(STORY, undefined);
    expect(spans.map((span) => [span.name, span.milliseconds])).toEqual([
      ["Waiting", 25],
      ["Preparing", 929],
      ["Running", 18_435],
      ["Finishing", 305],
    ]);
    expect(spans.reduce((sum, span) => sum + span.share, 0)).toBeCloseTo(1);
  });

  it("lasts until now while the job is active", () => {
    expect(phases(STORY.slice(0, 2), 3025).at(-1)).toMatchObject({ name: "Preparing", milliseconds: 2000 });
    expect(phases([], 5)).toEqual([]);
  });

  it("shows the phase beside the text, not in it", () => {
    expect(wordsOf({ At: 0, Event: "Admitted", Text: "admitted [preparing]" })).toEqual({
      text: "admitted",
      phase: "preparing",
    });
    const output = (text: string) => wordsOf({ At: 0, Event: "OutputSeen", Text: text }).text;
    expect(output("output seen: 5 documents, 1 errors; beware [finishing]")).toBe(
      "5 documents, 1 with an error; beware",
    );
    expect(output("results written: 1 documents, 0 errors")).toBe("1 document, none with an error");
    expect([stepWords("OutputSeen"), stepWords("SomethingNew")]).toEqual(["Results written", "Something New"]);
  });

  it("can be read from the log stream", () => {
    expect(eventOf({ timestamp: 5, message: "Warning: a: b\nc" })).toEqual({
      At: 5,
      Event: "Warning",
      Text: "a: b\nc",
    });
    expect(eventOf({ timestamp: 5, message: "no event" })).toEqual({ At: 5, Event: "Line", Text: "no event" });
  });
});

describe("the interfaces of a job", () => {
  const container = { ContainerId: "c", Member: 0, Attempt: 1, State: "RUNNING" };

  it("are those it has and those in its story", () => {
    const two =
      "network interfaces of 2 containers ready: eni-0aaaaaaaaaaaaaaaa in subnet-0ccccccccccccccccc at 10.0.0.4, eni-0bbbbbbbbbbbbbbbb in subnet-0dddddddddddddddd at 10.0.1.4";
    const found = interfacesOf(
      [{ At: 0, Event: "Prepared", Text: two }],
      [{ ...container, NetworkInterfaceId: "eni-0bbbbbbbbbbbbbbbb", PrivateIpAddress: "10.0.1.4" }],
    );
    expect(found.map((each) => each.id)).toEqual(["eni-0aaaaaaaaaaaaaaaa", "eni-0bbbbbbbbbbbbbbbb"]);
    expect(found[1]).toMatchObject({ subnet: "subnet-0dddddddddddddddd", address: "10.0.1.4", container });
    expect(found[0]?.container).toBeUndefined();
  });

  it("do not include those that a quoted message names", () => {
    expect(interfacesOf([{ At: 0, Event: "WorkerFailed", Text: "eni-0aaaaaaaaaaaaaaaa did it" }], [])).toEqual([]);
  });
});

describe("progress", () => {
  const run: JobRun = {
    JobId: "1",
    JobArn: "arn",
    JobIdentifier: "1",
    Phase: "RUNNING",
    Attempt: 1,
    Documents: 1200,
    TotalDocuments: 6000,
    DocumentsPerSecond: 46.1,
    SecondsLeft: 104,
    SecondsLeftAtLeast: 86,
    Containers: [],
    LogGroupName: "g",
    LogStreamName: "1",
  };

  it("shows documents, rate and time left", () => {
    expect(progressWords(run)).toBe("1,200 of 6,000 documents, 46.1 a second, about 86 to 104 s left");
    expect(percentDone(run)).toBe(20);
  });

  it.each([
    [0, 1, "about 0 to 1 s"],
    [40, 95, "about 40 to 95 s"],
    [60, 120, "about 1 to 2 min"],
    [130, 290, "about 2 to 5 min"],
    [7200, 7200, "about 2 h"],
    [86_400, 5 * 86_400 - 1, "about 1 to 5 d"],
  ])("shows the time left, %d to %d seconds, as the command line does: %s", (least, most, words) => {
    expect(about(least, most)).toBe(words);
  });

  it("shows the place in the queue", () => {
    const queued = { ...run, Phase: "QUEUED", Documents: 0 };
    expect(progressWords({ ...queued, QueuePosition: 0 })).toBe("Next of its type");
    expect(progressWords({ ...queued, QueuePosition: 3 })).toBe("3 jobs of its type before it");
  });

  it("leaves out what is not known", () => {
    const { TotalDocuments: _, DocumentsPerSecond: __, SecondsLeft: ___, SecondsLeftAtLeast: ____, ...bare } = run;
    expect(progressWords(bare)).toBe("1,200 documents");
    expect(percentDone(bare)).toBeUndefined();
    expect(progressWords({ ...bare, Phase: "FINISHING" })).toMatch(/removed/);
  });

  it("never shows more than all documents", () => {
    expect(percentDone({ ...run, Documents: 9000 })).toBe(100);
  });

  it("shows a rate in a readable unit", () => {
    expect(rateWords(1234)).toBe("1,234 a second");
    expect(rateWords(0.05)).toBe("3.0 a minute");
    expect(rateWords(0.001)).toBe("3.6 an hour");
  });
});

describe("the log and the properties", () => {
  it("finds lines by text, ignoring case", () => {
    const lines = ["One", "two", "ONE more"].map((message) => ({ timestamp: 0, message }));
    expect(linesWith(lines, " one ").map((line) => line.message)).toEqual(["One", "ONE more"]);
    expect(linesWith(lines, " ")).toBe(lines);
  });

  it("shows every property that is not shown elsewhere", () => {
    expect(otherProperties({ JobId: "1", VolumeKmsKeyId: "key", VpcConfig: undefined })).toEqual([
      { name: "VolumeKmsKeyId", value: "key" },
    ]);
    expect(
      otherMembers({ S3Uri: "s3://a/", InputFormat: "X", DocumentReaderConfig: { FeatureTypes: ["A", "B"] } }),
    ).toEqual([
      { name: "InputFormat", value: "X" },
      { name: "DocumentReaderConfig.FeatureTypes", value: "A, B" },
    ]);
  });
});
