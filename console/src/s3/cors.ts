import type { CORSRule } from "@aws-sdk/client-s3";

export const CORS_EXAMPLE = JSON.stringify(
  [
    {
      AllowedOrigins: ["https://example.com"],
      AllowedMethods: ["GET", "HEAD"],
      AllowedHeaders: ["*"],
      ExposeHeaders: ["ETag"],
      MaxAgeSeconds: 3000,
    },
  ],
  null,
  2,
);

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const LISTS = ["AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders"] as const;
const KNOWN = new Set<string>([...LISTS, "ID", "MaxAgeSeconds"]);

export type CorsReading = { readonly rules: CORSRule[] } | { readonly problem: string };

/** Read CORS rules in the form of S3's console: a JSON array of rules. */
export function readCors(text: string): CorsReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "This is not valid JSON." };
  }
  if (!Array.isArray(value)) return { problem: "CORS rules are a JSON array: they begin with [ and end with ]." };
  if (value.length > 100) return { problem: "At most 100 rules." };
  const rules: CORSRule[] = [];
  for (const [index, rule] of value.entries()) {
    const problem = ruleProblem(rule);
    if (problem !== undefined) return { problem: `Rule ${index + 1}: ${problem}` };
    rules.push(rule as CORSRule);
  }
  return { rules };
}

function ruleProblem(rule: unknown): string | undefined {
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) return "a rule is a JSON object.";
  const members = rule as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(members).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) return `there is no member ${unknown}.`;
  for (const name of LISTS) {
    const list = members[name];
    if (list !== undefined && !(Array.isArray(list) && list.every((each) => typeof each === "string"))) {
      return `${name} is an array of texts.`;
    }
  }
  if (!members["AllowedOrigins"]) return "AllowedOrigins is missing.";
  const methods = members["AllowedMethods"] as string[] | undefined;
  if (!methods) return "AllowedMethods is missing.";
  const odd = methods.find((method) => !METHODS.includes(method));
  if (odd !== undefined) return `${odd} is not a method that can be allowed: ${METHODS.join(", ")}.`;
  const age = members["MaxAgeSeconds"];
  return age === undefined || Number.isInteger(age) ? undefined : "MaxAgeSeconds is a whole number.";
}
