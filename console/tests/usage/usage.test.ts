import { expect, it } from "vitest";
import { csvOf, diskName, months } from "../../src/usage/usage";

it("the months before a moment are those of UTC, the newest first", () => {
  expect(months(new Date("2026-01-31T23:59:59Z"), 3)).toEqual(["2026-01", "2025-12", "2025-11"]);
});

it("a month is saved as a header and a row for each kind", () => {
  const entry = { Times: 2, Documents: 3, Characters: 350, Units: 10, InputBytes: 0, TrainingSeconds: 0 };
  expect(csvOf({ Month: "2026-11", Usage: [{ Kind: "entities", ...entry }] })).toBe(
    "Month,Kind,Times,Documents,Characters,Units,InputBytes,TrainingSeconds\n2026-11,entities,2,3,350,10,0,0\n",
  );
});

it("a kind of data that this console does not know keeps the service's name", () => {
  expect([diskName("MODELS"), diskName("NEW")]).toEqual(["Custom models", "NEW"]);
});
