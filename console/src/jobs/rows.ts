import type { JobProperties } from "./properties";

/** The members that the overview shows elsewhere. */
const PLACED: ReadonlySet<string> = new Set([
  "JobId",
  "JobArn",
  "JobName",
  "JobStatus",
  "Message",
  "SubmitTime",
  "EndTime",
  "InputDataConfig",
  "OutputDataConfig",
  "LanguageCode",
  "NumberOfTopics",
  "EntityRecognizerArn",
  "DocumentClassifierArn",
  "DataAccessRoleArn",
  "VpcConfig",
]);

export interface PropertyRow {
  readonly name: string;
  readonly value: string;
}

/** Every other property that the API returns, by its own name: a later version may return more than the page knows. */
export function otherProperties(job: JobProperties): PropertyRow[] {
  return Object.entries(job).flatMap(([name, value]) => (PLACED.has(name) ? [] : flatten(name, value)));
}

/** The members of an S3 configuration other than its location: format, reader, key. */
export function otherMembers(config: object | undefined): PropertyRow[] {
  return Object.entries(config ?? {}).flatMap(([name, value]) => (name === "S3Uri" ? [] : flatten(name, value)));
}

function flatten(name: string, value: unknown): PropertyRow[] {
  if (value === undefined || value === null) return [];
  if (value instanceof Date) return [{ name, value: value.toISOString() }];
  if (Array.isArray(value)) return [{ name, value: value.map((each) => plain(each)).join(", ") }];
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([member, inner]) => flatten(`${name}.${member}`, inner));
  }
  return [{ name, value: plain(value) }];
}

function plain(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
