import { parseS3Uri } from "../create/parts/s3Uri";

/** A property of a model as a row: where it stands in the API's answer, and its value. */
export interface PropertyRow {
  readonly name: string;
  readonly value: string;
}

/** Every leaf of a structure, named by its way there: "Documents.S3Uri", "EntityTypes[0].Type". */
export function flatten(value: unknown, name = ""): PropertyRow[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object")) return [{ name, value: value.map(String).join(", ") }];
    return value.flatMap((item, index) => flatten(item, `${name}[${index}]`));
  }
  if (typeof value === "object" && !(value instanceof Date)) {
    return Object.entries(value).flatMap(([key, member]) => flatten(member, name === "" ? key : `${name}.${key}`));
  }
  return [{ name, value: value instanceof Date ? value.toISOString() : String(value) }];
}

/** The console's page of the bucket that a location names; ``undefined`` for what is no location in S3. */
export function bucketPath(location: string): string | undefined {
  const bucket = parseS3Uri(location)?.bucket;
  return bucket === undefined ? undefined : `/s3/${bucket}`;
}

/** The console's page of a role; ``undefined`` for an ARN that is none of a role. */
export function rolePath(arn: string): string | undefined {
  const name = /^arn:aws(?:-[^:]+)?:iam::[0-9]{12}:role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(arn)?.[1];
  return name === undefined ? undefined : `/access/roles/${encodeURIComponent(name)}`;
}
