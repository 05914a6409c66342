import { expect, test } from "vitest";
import { readPreferences } from "../../src/components/tablePreferences";
import { filled, fitted, widthOf } from "../../src/components/tableWidths";

const IDS = ["name", "status", "type"];
const ALL = IDS.map((id) => ({ id, visible: true }));

test("a list begins with all of its columns", () => {
  expect(readPreferences(null, IDS, 25)).toEqual({ pageSize: 25, columns: ALL });
});

test("the user's choices are kept, with new columns at the end", () => {
  const stored = {
    pageSize: 50,
    columns: [
      { id: "type", visible: true },
      { id: "gone", visible: true },
      { id: "name", visible: false },
    ],
  };
  expect(readPreferences(JSON.stringify(stored), IDS, 25)).toEqual({
    pageSize: 50,
    columns: [
      { id: "type", visible: true },
      { id: "name", visible: false },
      { id: "status", visible: true },
    ],
  });
});

test.each(["{", "null", "7", '{"columns":7,"pageSize":"x"}', '{"columns":[null,{"id":"name"}],"pageSize":7}'])(
  "damaged stored values are left out: %s",
  (stored) => {
    expect(readPreferences(stored, IDS, 25)).toEqual({ pageSize: 25, columns: ALL });
  },
);

test("a list without columns is shown with all of them", () => {
  const stored = JSON.stringify({ columns: IDS.map((id) => ({ id, visible: false })) });
  expect(readPreferences(stored, IDS, 25).columns).toEqual(ALL);
});

test("a column is wide enough that none of its words is broken", () => {
  const score = widthOf({ header: "Score", values: [0.9912345678901234] });
  expect(score).toEqual(widthOf({ header: "Score", values: ["99.1 %"] }));
  const narrow = widthOf({ header: "Type", values: ["x"] });
  const event = widthOf({ header: "Event", values: ["CreateNetworkInterfacePermission"] });
  expect(event.minWidth).toBeGreaterThan("CreateNetworkInterfacePermission".length * 7);
  expect(narrow.minWidth).toBeLessThan(event.minWidth);
  expect(widthOf({ header: "Id", values: ["vpc-0163e7c1d1921234a"] }).minWidth).toBeGreaterThan(21 * 7.5);
  const capitals = widthOf({ header: "Type", values: ["COMMERCIAL_ITEM"] });
  expect(capitals.minWidth).toBeGreaterThan("COMMERCIAL_ITEM".length * 9 + 40);
  const sentence = widthOf({ header: "Text", values: ["a few short words and no long one"] });
  expect(sentence.minWidth).toBeLessThan(sentence.width);
  expect(widthOf({ header: "Text", values: ["x".repeat(5_000)] }).width).toBeLessThan(400);
});

test("a time is as wide as its text, whatever the number behind it", () => {
  const moment = widthOf({ header: "At", values: [Date.UTC(2026, 10, 29)] });
  expect(moment.width).toBeGreaterThan("2026-11-29 14:04:19".length * 7);
  expect(moment.minWidth).toBeGreaterThan("2026-11-29".length * 7);
  expect(moment.minWidth).toBeLessThan(moment.width);
});

test("columns share the width of a table, and none is narrower than its words", () => {
  const columns = [
    { width: 300, minWidth: 100 },
    { width: 200, minWidth: 200 },
  ];
  expect(fitted(columns, undefined)).toEqual([300, 200]);
  expect(fitted(columns, 600)).toEqual([300, 200]);
  expect(fitted(columns, 400)).toEqual([200, 200]);
  expect(fitted(columns, 100)).toEqual([100, 200]);
});

test("one column gets the space that is left over", () => {
  const columns = [
    { width: 100, minWidth: 50 },
    { width: 200, minWidth: 200 },
  ];
  expect(filled(columns, 500, 0)).toEqual([300, 200]);
  expect(filled(columns, 250, 0)).toEqual([50, 200]);
  expect(filled(columns, undefined, 0)).toEqual([100, 200]);
});

test("columns stay where they are if a value is a little longer", () => {
  const width = (text: string): number => widthOf({ header: "Name", values: ["reviews-2026-10", text] }).width;
  expect(width("reviews-2026-11")).toBe(width("reviews-2026-1"));
});
