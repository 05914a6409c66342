import { describe, expect, it } from "vitest";
import { labelScores, readConfusionReport } from "../../src/results/parts/confusion";
import { percent, placeOf, typeLabel } from "../../src/results/views/labels";
import { frame, linesIn, pack } from "../../src/results/views/topicLayout";
import { topicNames } from "../../src/results/views/topics";

describe("the map of topics", () => {
  it("puts circles beside each other, all within the bounds", () => {
    const radii = Array.from({ length: 100 }, (_, at) => 90 / Math.sqrt(at + 1) + 10);
    const circles = pack(radii);
    const box = frame(circles);
    circles.forEach((one, at) => {
      const gaps = circles.slice(at + 1).map(({ x, y, r }) => Math.hypot(one.x - x, one.y - y) - one.r - r);
      expect(Math.min(...gaps)).toBeGreaterThan(0);
      expect(one.x - one.r).toBeGreaterThanOrEqual(box.x);
      expect(one.x + one.r).toBeLessThanOrEqual(box.x + box.width);
    });
    // Packed closely: they fill half of a frame that is about as wide as high.
    const area = circles.reduce((sum, { r }) => sum + Math.PI * r * r, 0);
    expect(area / (box.width * box.height)).toBeGreaterThan(0.5);
  });

  it("draws one circle, and none", () => {
    expect(pack([])).toEqual([]);
    expect(frame([]).width).toBe(1);
    expect(pack([5])).toEqual([{ x: 0, y: 0, r: 5 }]);
  });

  it("puts no more into a circle than fits", () => {
    const terms = ["bread", "a-very-long-term-that-cannot-fit-in-here", "oven", "salt", "flour", "water"];
    const large = linesIn(90, terms);
    expect(large[0]?.text).toBe("bread");
    expect(large.length).toBeLessThanOrEqual(6);
    expect(large[1]?.text.endsWith("…")).toBe(true);
    for (const { y, size } of linesIn(18, terms)) expect(Math.abs(y) + size / 2).toBeLessThan(18);
  });
});

describe("labels", () => {
  it("name languages, including unknown ones", () => {
    expect(typeLabel("dominant-language", "de")).toBe("German (de)");
    expect(typeLabel("dominant-language", "(none)")).toBe("(none)");
    expect(typeLabel("entities", "de")).toBe("de");
  });

  it("show where a document is, and a score", () => {
    expect(placeOf({ file: "a", line: 0 })).toBe("a, line 1");
    expect(placeOf({ file: "a" })).toBe("a");
    expect(percent(0.991)).toBe("99.1\u00a0%");
    expect(percent(0.0004)).toBe("0.040\u00a0%");
  });

  it("name topics by their terms", () => {
    const term = (topic: string, word: string) => ({ topic, term: word, weight: 1 });
    const terms = [..."abcd"].map((word) => term("000", word));
    const alike = [term("001", "x"), term("002", "x")];
    const names = topicNames({ terms: [...terms, ...alike], types: [] });
    expect(typeLabel("topics", "000", names)).toBe("a, b, c");
    expect([names.get("001"), names.get("002")]).toEqual(["x (001)", "x (002)"]);
    expect(typeLabel("topics", "009", names)).toBe("Topic 009");
  });
});

describe("confusion matrices", () => {
  const classes = {
    type: "multi_class",
    confusion_matrix: [
      [7, 1],
      [0, 5],
    ],
    labels: ["billing", "returns"],
  };
  const several = {
    type: "multi_label",
    confusion_matrix: [
      [
        [6, 1],
        [0, 4],
      ],
      [
        [5, 0],
        [2, 4],
      ],
    ],
    labels: ["billing", "refund"],
  };

  it("give the scores of classes", () => {
    const report = readConfusionReport(JSON.stringify(classes));
    expect(report && labelScores(report)).toEqual([
      { label: "billing", precision: 1, recall: 7 / 8, f1: 14 / 15, support: 8 },
      { label: "returns", precision: 5 / 6, recall: 1, f1: 10 / 11, support: 5 },
    ]);
  });

  it("give the scores of labels: actual in rows", () => {
    const report = readConfusionReport(JSON.stringify(several));
    expect(report && labelScores(report)).toMatchObject([
      { precision: 0.8, recall: 1, support: 4 },
      { precision: 1, recall: 4 / 6, support: 6 },
    ]);
  });

  it("have no score for a label that was never predicted", () => {
    const report = readConfusionReport(
      JSON.stringify({
        ...classes,
        confusion_matrix: [
          [0, 0],
          [0, 0],
        ],
      }),
    );
    expect(report && labelScores(report)[0]).toEqual({
      label: "billing",
      precision: undefined,
      recall: undefined,
      f1: undefined,
      support: 0,
    });
  });

  it.each([
    "{",
    "null",
    JSON.stringify({ ...classes, labels: ["one"] }),
    JSON.stringify({
      ...classes,
      confusion_matrix: [
        [1, -1],
        [0, 5],
      ],
    }),
    JSON.stringify({
      ...several,
      confusion_matrix: [
        [6, 1],
        [0, 4],
      ],
    }),
  ])("refuses what is no report: %.40s", (text) => {
    expect(readConfusionReport(text)).toBeUndefined();
  });
});
