import { expect, it } from "vitest";
import {
  nameOfFile,
  type Profile,
  profileFileProblem,
  profileNameProblem,
  promiseWords,
  thresholdWords,
  usableFor,
} from "../src/profiles/profile";

const PROFILE: Profile = {
  Name: "claims",
  Arn: "arn",
  Default: false,
  Stale: false,
  StoredAt: 0,
  LanguageCode: "en",
  Recall: 0.98,
  Confidence: 0.95,
  SampleDocuments: 1300,
  Engine: "pii-en 0",
  Types: [{ Type: "NAME", Threshold: 0.6123, Documents: 212 }],
};

it("a profile says what it promises, and which findings count", () => {
  expect(promiseWords(PROFILE)).toBe("98 % of each type, with probability 0.95, from 1,300 documents");
  expect(thresholdWords(PROFILE)).toBe("NAME from 0.612");
});

it("a job can name profiles of its language that still hold", () => {
  const others = [
    { ...PROFILE, Name: "old", Stale: true },
    { ...PROFILE, Name: "es", LanguageCode: "es" },
  ];
  expect(usableFor([PROFILE, ...others], "en")).toEqual([PROFILE]);
});

it("the name of a profile comes from its file, within the service's rules", () => {
  expect(nameOfFile("claims 2026.profile.json")).toBe("claims-2026");
  expect(nameOfFile("__x.json")).toBe("x");
  expect(profileNameProblem("a.b_c-1")).toBeUndefined();
  for (const name of ["", "-a", "a b", "a".repeat(64)]) expect(profileNameProblem(name)).toContain("1 to 63");
  expect(profileFileProblem({ size: 20_000 })).toContain("too large");
});
