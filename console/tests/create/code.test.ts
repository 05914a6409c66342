import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { cliCommand, kebabCase, pythonCode, shellQuote, snakeCase } from "../../src/create/parts/code";

const SETTINGS = { apiUrl: "http://127.0.0.1:4566", region: "us-east-1" };
const HOSTILE = [
  "it's; rm -rf / # `id` $(id) $HOME !! \\ \\' \" \n\t\u0000\u001b[31m",
  "file:///etc/passwd",
  "--endpoint-url",
  "\u202egnp.exe\u2066 \u00a0\u200b\ufeff",
  "\u2028\u2029\u0085",
  "emoji 😀 and a lone surrogate \ud83d",
  "'''\"\"\"{}[]%s{0}\\N{BULLET}\\x41\\u0041",
  "",
];
const REQUEST = {
  JobName: "plain",
  NumberOfTopics: 5,
  Flag: true,
  Nothing: null,
  Left: undefined,
  Empty: [],
  Bare: {},
  Tags: HOSTILE.map((text, index) => ({ Key: `${index}${text}`, Value: text })),
  InputDataConfig: { S3Uri: "s3://bucket/it's here/", InputFormat: "ONE_DOC_PER_LINE" },
};
const SENT = JSON.parse(JSON.stringify(REQUEST)) as unknown;

/** The words into which a POSIX shell splits a command that begins with ``aws``. */
function shellWords(command: string): string[] {
  const script = `aws() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${command}\n`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

/** The method and the keyword arguments of the last call but one of a Python program, by Python's own parser. */
function pythonCall(program: string): { method: string; members: unknown; client: unknown } {
  const reader = `
import ast, json, sys
tree = ast.parse(sys.stdin.buffer.read().decode("utf-8"))
values = lambda call: {each.arg: ast.literal_eval(each.value) for each in call.keywords}
_, client, answer, _ = tree.body
print(json.dumps({"method": answer.value.func.attr, "members": values(answer.value), "client": values(client.value)}))
`;
  return JSON.parse(execFileSync("python3", ["-c", reader], { encoding: "utf8", input: program }));
}

describe("the request as code", () => {
  it("is parsed by a shell as the same request", () => {
    const words = shellWords(cliCommand("StartTopicsDetectionJob", REQUEST, SETTINGS));
    expect(words.slice(0, 7)).toEqual([
      "comprehend",
      "start-topics-detection-job",
      "--endpoint-url",
      SETTINGS.apiUrl,
      "--region",
      "us-east-1",
      "--cli-input-json",
    ]);
    expect(words).toHaveLength(8);
    expect(JSON.parse(words[7] ?? "")).toEqual(SENT);
  });

  it("is parsed by Python as the same request", () => {
    const { method, members, client } = pythonCall(pythonCode("StartTopicsDetectionJob", REQUEST, SETTINGS));
    expect(method).toBe("start_topics_detection_job");
    expect(members).toEqual(SENT);
    expect(client).toEqual({ endpoint_url: SETTINGS.apiUrl, region_name: "us-east-1" });
  });

  it("shows characters that are invisible or reverse the line", () => {
    for (const code of [cliCommand("StartX", REQUEST, SETTINGS), pythonCode("StartX", REQUEST, SETTINGS)]) {
      expect(code.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(code).toContain("\\u202e");
    }
  });

  it("is a plain request if the values are plain", () => {
    expect(pythonCode("StartSentimentDetectionJob", { JobName: "a", Tags: [{ Key: "k", Value: "v" }] }, SETTINGS)).toBe(
      `import boto3

comprehend = boto3.client("comprehend", endpoint_url="http://127.0.0.1:4566", region_name="us-east-1")
response = comprehend.start_sentiment_detection_job(
    JobName="a",
    Tags=[
      {
        "Key": "k",
        "Value": "v"
      }
    ],
)
print(response)`,
    );
  });
});

describe("shellQuote", () => {
  // An argument of a command can contain neither NUL nor half a character.
  const words = HOSTILE.filter((text) => !text.includes("\u0000") && !text.includes("surrogate"));
  it.each([...words, "$HOME `id` 'x' \" \\ !! \n*"])("keeps %j one word", (text) => {
    expect(shellWords(`aws ${shellQuote(text)}`)).toEqual([text]);
  });
});

describe("names of operations", () => {
  it("are those of the AWS CLI and of boto3", () => {
    expect(kebabCase("CreateDocumentClassifier")).toBe("create-document-classifier");
    expect(snakeCase("StartDominantLanguageDetectionJob")).toBe("start_dominant_language_detection_job");
  });
});
