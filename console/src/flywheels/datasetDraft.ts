import { s3UriProblem } from "../create/parts/s3Uri";
import { DEFAULT_DELIMITER, type Mode } from "../models/classifierDraft";
import type { ModelKindId } from "../models/kinds";
import { nameProblem } from "../models/names";
import type { Labels } from "../models/recognizerDraft";
import {
  type DataFormat,
  type Manifest,
  manifestMembers,
  manifestProblems,
  newManifest,
  type Problems,
} from "../models/training";

export interface DatasetDraft {
  readonly name: string;
  readonly type: "TRAIN" | "TEST";
  readonly description: string;
  readonly dataFormat: DataFormat;
  readonly manifests: readonly Manifest[];
  /** The CSV file of a classifier's dataset. */
  readonly rows: string;
  readonly delimiter: string;
  /** The files of a recognizer's dataset. */
  readonly labels: Labels;
  readonly documents: string;
  readonly inputFormat: "ONE_DOC_PER_LINE" | "ONE_DOC_PER_FILE";
  readonly annotations: string;
  readonly list: string;
}

const MOST_DESCRIPTION = 2048;

export function emptyDataset(): DatasetDraft {
  return {
    name: "",
    type: "TRAIN",
    description: "",
    dataFormat: "COMPREHEND_CSV",
    manifests: [newManifest()],
    rows: "",
    delimiter: DEFAULT_DELIMITER,
    labels: "annotations",
    documents: "",
    inputFormat: "ONE_DOC_PER_LINE",
    annotations: "",
    list: "",
  };
}

/** What a flywheel's models do, which decides what a dataset of it looks like. */
export interface Task {
  readonly kind: ModelKindId;
  readonly mode: Mode | undefined;
}

export function datasetProblems(draft: DatasetDraft, { kind }: Task): Problems {
  const csv = draft.dataFormat === "COMPREHEND_CSV";
  const ofText = csv && kind === "recognizer";
  return {
    name: nameProblem(draft.name, true),
    description:
      draft.description.length > MOST_DESCRIPTION ? `Use at most ${MOST_DESCRIPTION} characters.` : undefined,
    rows: csv && kind === "classifier" ? s3UriProblem(draft.rows) : undefined,
    documents: ofText ? s3UriProblem(draft.documents) : undefined,
    annotations: ofText && draft.labels === "annotations" ? s3UriProblem(draft.annotations) : undefined,
    list: ofText && draft.labels === "list" ? s3UriProblem(draft.list) : undefined,
    ...(!csv && manifestProblems(draft.manifests)),
  };
}

/** The request of CreateDataset, without members that do not apply. */
export function datasetRequest(flywheel: string, draft: DatasetDraft, task: Task) {
  return {
    FlywheelArn: flywheel,
    DatasetName: draft.name,
    DatasetType: draft.type,
    ...(draft.description !== "" && { Description: draft.description }),
    InputDataConfig: {
      DataFormat: draft.dataFormat,
      ...(draft.dataFormat === "AUGMENTED_MANIFEST"
        ? { AugmentedManifests: manifestMembers(draft.manifests) }
        : csvMembers(draft, task)),
    },
  };
}

function csvMembers(draft: DatasetDraft, { kind, mode }: Task) {
  if (kind === "classifier") {
    const delimiter = mode === "MULTI_LABEL" && draft.delimiter !== DEFAULT_DELIMITER;
    return {
      DocumentClassifierInputDataConfig: {
        S3Uri: draft.rows,
        ...(delimiter && { LabelDelimiter: draft.delimiter }),
      },
    };
  }
  return {
    EntityRecognizerInputDataConfig: {
      Documents: { S3Uri: draft.documents, InputFormat: draft.inputFormat },
      ...(draft.labels === "annotations"
        ? { Annotations: { S3Uri: draft.annotations } }
        : { EntityList: { S3Uri: draft.list } }),
    },
  };
}
