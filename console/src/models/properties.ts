/** A property of a model as a row: its path in the API's answer, and its value. */
export interface PropertyRow {
  readonly name: string;
  readonly value: string;
}

/** Every leaf of a structure, named by its path: "Documents.S3Uri", "EntityTypes[0].Type". */
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
