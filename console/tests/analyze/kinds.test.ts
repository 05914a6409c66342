import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { batchRequest, detectRequest } from "../../src/analyze/calls";
import { KINDS, kindOf } from "../../src/analyze/kinds";
import { SAMPLES } from "../../src/analyze/samples";
import { LANGUAGE_CODES, languageName } from "../../src/components/languages";

const documents = join(import.meta.dirname, "../../../docs");

describe("the kinds of analysis", () => {
  it("have the languages of the documentation", () => {
    const rows = readFileSync(join(documents, "languages.md"), "utf8").split("\n");
    for (const { label, languages } of KINDS) {
      if (languages === undefined) continue;
      const name = label.toLowerCase();
      const row = rows.find((line) => line.startsWith(`| ${name} |`) || line.startsWith(`| [${name}](`));
      const served = row?.split("|")[2]?.trim().replace("; as an extension ", ", ").split(", ");
      expect(served, label).toEqual(languages);
    }
  });

  it("are operations that exist", () => {
    const operations = readFileSync(join(documents, "reference/operations.md"), "utf8");
    for (const { detect, batch } of KINDS) {
      expect(operations).toContain(`| ${detect} |`);
      if (batch !== undefined) expect(operations).toContain(`| ${batch} |`);
    }
  });

  it("send a language only if the operation accepts one", () => {
    expect(detectRequest(kindOf("dominant-language"), "x", "en")).toEqual({ Text: "x" });
    expect(detectRequest(kindOf("syntax"), "x", "en")).toEqual({ Text: "x", LanguageCode: "en" });
    expect(detectRequest(kindOf("toxicity"), "x", "en")).toEqual({ TextSegments: [{ Text: "x" }], LanguageCode: "en" });
    expect(detectRequest(kindOf("prompt-safety"), "x", "en", "eu-west-3")).toEqual({
      Text: "x",
      EndpointArn: "arn:aws:comprehend:eu-west-3:aws:document-classifier-endpoint/prompt-safety",
    });
    expect(batchRequest(kindOf("dominant-language"), ["x"], "en")).toEqual({ TextList: ["x"] });
    expect(batchRequest(kindOf("entities"), ["x"], "de")).toEqual({ TextList: ["x"], LanguageCode: "de" });
  });
});

describe("languages", () => {
  it("have names, and an unknown code is shown as it is", () => {
    expect(languageName("de")).toBe("German (de)");
    expect(languageName("zh-TW")).toBe("Chinese (traditional) (zh-TW)");
    expect(languageName("not a code!")).toBe("not a code!");
  });

  it("have one sample text each", () => {
    expect(SAMPLES.map(({ code }) => code).sort()).toEqual([...LANGUAGE_CODES].sort());
  });
});
