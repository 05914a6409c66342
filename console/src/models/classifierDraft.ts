import { type EncryptionValue, keyOf, keyProblem, NOT_ENCRYPTED } from "../create/parts/encryption";
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

export type Mode = "MULTI_CLASS" | "MULTI_LABEL";

export interface ClassifierDraft extends TrainingDraft {
  readonly mode: Mode;
  readonly delimiter: string;
  readonly training: string;
  /** Whether test documents are provided; otherwise a tenth of the training documents is held back. */
  readonly ownTest: boolean;
  readonly test: string;
  readonly output: string;
  readonly outputKey: EncryptionValue;
}

/** The characters that may separate labels. */
export const DELIMITERS = "|~!@#$%^*-_+=\\:;>?/ \t";
export const DEFAULT_DELIMITER = "|";

export function emptyClassifier(): ClassifierDraft {
  return {
    ...emptyTraining(),
    mode: "MULTI_CLASS",
    delimiter: DEFAULT_DELIMITER,
    training: "",
    ownTest: false,
    test: "",
    output: "",
    outputKey: NOT_ENCRYPTED,
  };
}

export const keptClassifier = new KeptDraft<ClassifierDraft>();

/** A delimiter, by name if it is invisible. */
export function delimiterName(delimiter: string): string {
  if (delimiter === " ") return "Space";
  return delimiter === "\t" ? "Tab" : delimiter;
}

export function classifierProblems(draft: ClassifierDraft): Problems {
  const csv = draft.dataFormat === "COMPREHEND_CSV";
  return {
    ...trainingProblems(draft),
    training: csv ? s3UriProblem(draft.training) : undefined,
    test: csv && draft.ownTest ? s3UriProblem(draft.test) : undefined,
    // The location of the confusion matrix is optional, but must be valid if it is set.
    output: draft.output === "" ? undefined : s3UriProblem(draft.output),
    outputKey: draft.output === "" ? undefined : keyProblem(draft.outputKey),
  };
}

/** The request of CreateDocumentClassifier, without members that do not apply. */
export function classifierRequest(draft: ClassifierDraft) {
  const csv = draft.dataFormat === "COMPREHEND_CSV";
  const outputKey = keyOf(draft.outputKey);
  const delimiter = csv && draft.mode === "MULTI_LABEL" && draft.delimiter !== DEFAULT_DELIMITER;
  return {
    DocumentClassifierName: draft.name,
    Mode: draft.mode,
    InputDataConfig: {
      DataFormat: draft.dataFormat,
      ...(csv && { S3Uri: draft.training }),
      ...(csv && draft.ownTest && { TestS3Uri: draft.test }),
      ...(delimiter && { LabelDelimiter: draft.delimiter }),
      ...(!csv && { AugmentedManifests: manifestMembers(draft.manifests) }),
    },
    ...(draft.output !== "" && {
      OutputDataConfig: { S3Uri: draft.output, ...(outputKey !== undefined && { KmsKeyId: outputKey }) },
    }),
    ...trainingMembers(draft),
  };
}

/** What the role must be able to read, and where it must be able to write. */
export function classifierPlaces(draft: ClassifierDraft): { inputs: string[]; outputs: string[] } {
  const csv = draft.dataFormat === "COMPREHEND_CSV";
  return {
    inputs: csv
      ? given(draft.training, ...(draft.ownTest ? [draft.test] : []))
      : given(...draft.manifests.map(({ uri }) => uri)),
    outputs: given(draft.output),
  };
}
