import { s3UriProblem } from "../create/parts/s3Uri";
import { KeptDraft } from "../session/keptDraft";
import {
  emptyTraining,
  given,
  manifestMembers,
  type Problems,
  type TrainingDraft,
  trainingMembers,
  trainingProblems,
} from "./training";

export type Labels = "annotations" | "list";

export interface RecognizerDraft extends TrainingDraft {
  readonly types: readonly string[];
  readonly labels: Labels;
  readonly documents: string;
  readonly inputFormat: "ONE_DOC_PER_LINE" | "ONE_DOC_PER_FILE";
  readonly annotations: string;
  readonly list: string;
  /** Whether test documents with annotations are provided; otherwise a tenth of the documents is held back. */
  readonly ownTest: boolean;
  readonly testDocuments: string;
  readonly testAnnotations: string;
}

export const ENTITY_TYPES = 25;
const TYPE_LENGTH = 64;

export function emptyRecognizer(): RecognizerDraft {
  return {
    ...emptyTraining(),
    types: [""],
    labels: "annotations",
    documents: "",
    inputFormat: "ONE_DOC_PER_LINE",
    annotations: "",
    list: "",
    ownTest: false,
    testDocuments: "",
    testAnnotations: "",
  };
}

export const keptRecognizer = new KeptDraft<RecognizerDraft>();

export function recognizerProblems(draft: RecognizerDraft): Problems {
  const csv = draft.dataFormat === "COMPREHEND_CSV";
  const test = csv && hasOwnTest(draft);
  return {
    ...trainingProblems(draft),
    ...typeProblems(draft.types),
    documents: csv ? s3UriProblem(draft.documents) : undefined,
    annotations: csv && draft.labels === "annotations" ? s3UriProblem(draft.annotations) : undefined,
    list: csv && draft.labels === "list" ? s3UriProblem(draft.list) : undefined,
    testDocuments: test ? s3UriProblem(draft.testDocuments) : undefined,
    testAnnotations: test ? s3UriProblem(draft.testAnnotations) : undefined,
  };
}

/** The request of CreateEntityRecognizer, without members that do not apply. */
export function recognizerRequest(draft: RecognizerDraft) {
  return {
    RecognizerName: draft.name,
    InputDataConfig: {
      DataFormat: draft.dataFormat,
      EntityTypes: draft.types.map((type) => ({ Type: type.trim() })),
      ...(draft.dataFormat === "COMPREHEND_CSV"
        ? csvMembers(draft)
        : { AugmentedManifests: manifestMembers(draft.manifests) }),
    },
    ...trainingMembers(draft),
  };
}

/** What the role must be able to read; a recognizer does not write to the account's buckets. */
export function recognizerPlaces(draft: RecognizerDraft): { inputs: string[]; outputs: string[] } {
  if (draft.dataFormat === "AUGMENTED_MANIFEST") {
    return { inputs: given(...draft.manifests.map(({ uri }) => uri)), outputs: [] };
  }
  const labels = draft.labels === "annotations" ? draft.annotations : draft.list;
  const test = hasOwnTest(draft) ? [draft.testDocuments, draft.testAnnotations] : [];
  return { inputs: given(draft.documents, labels, ...test), outputs: [] };
}

/** Test documents need annotations, which an entity list does not have. */
export function hasOwnTest(draft: RecognizerDraft): boolean {
  return draft.ownTest && draft.labels === "annotations";
}

function csvMembers(draft: RecognizerDraft) {
  const test = hasOwnTest(draft);
  return {
    Documents: {
      S3Uri: draft.documents,
      InputFormat: draft.inputFormat,
      ...(test && { TestS3Uri: draft.testDocuments }),
    },
    ...(draft.labels === "annotations"
      ? { Annotations: { S3Uri: draft.annotations, ...(test && { TestS3Uri: draft.testAnnotations }) } }
      : { EntityList: { S3Uri: draft.list } }),
  };
}

/** What is wrong with the types that a recognizer learns, by the name of their fields. */
export function typeProblems(types: readonly string[]): Problems {
  const problems: Record<string, string | undefined> = {};
  if (types.length === 0) problems["types"] = "Add at least one type.";
  if (types.length > ENTITY_TYPES) problems["types"] = `A recognizer has at most ${ENTITY_TYPES} types.`;
  const names = types.map((type) => type.trim());
  for (const [index, name] of names.entries()) {
    problems[`type-${index}`] =
      typeProblem(name) ?? (names.indexOf(name) < index ? "This type already exists." : undefined);
  }
  return problems;
}

function typeProblem(name: string): string | undefined {
  if (name === "") return "Enter the type's name, such as ENGINEER.";
  if (name.length > TYPE_LENGTH) return `A type has at most ${TYPE_LENGTH} characters.`;
  if (/[\n\r\t,]/.test(name) || /\\r|\\t|\\n/.test(name)) return "A type must not contain commas, tabs or line breaks.";
  return undefined;
}
