import type { Problems } from "./training";

const LABELS: Readonly<Record<string, string>> = {
  name: "model name",
  version: "version name",
  modelKey: "model encryption",
  volumeKey: "training encryption",
  training: "training dataset",
  test: "test dataset",
  output: "output location",
  outputKey: "output encryption",
  documents: "training documents",
  annotations: "annotations",
  list: "entity list",
  types: "custom entity types",
  testDocuments: "test documents",
  testAnnotations: "test annotations",
  manifests: "augmented manifests",
  role: "IAM role",
  vpc: "VPC",
  subnets: "subnets",
  groups: "security groups",
  tags: "tags",
  policy: "model policy",
  model: "model",
  lake: "location of the data lake",
  rows: "rows",
  description: "description",
};

/** Which fields must still be filled in or corrected, as a sentence; ``undefined`` if the form is complete. */
export function waitingFor(problems: Problems): string | undefined {
  const fields = Object.entries(problems).filter(([, problem]) => problem !== undefined);
  if (fields.length === 0) return undefined;
  const names = fields.map(([field]) => {
    if (field.startsWith("manifest-")) return LABELS["manifests"];
    return field.startsWith("type-") ? LABELS["types"] : (LABELS[field] ?? field);
  });
  return `Fill in or correct: ${[...new Set(names)].join(", ")}.`;
}
