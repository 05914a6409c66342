export type ModelKindId = "classifier" | "recognizer";

/** A type of custom model in the console's words. */
export interface ModelKind {
  readonly id: ModelKindId;
  readonly label: string;
  readonly createOperation: "CreateDocumentClassifier" | "CreateEntityRecognizer";
  readonly describeOperation: "DescribeDocumentClassifier" | "DescribeEntityRecognizer";
  readonly createPath: string;
}

export const MODEL_KINDS: Readonly<Record<ModelKindId, ModelKind>> = {
  classifier: {
    id: "classifier",
    label: "Classifier",
    createOperation: "CreateDocumentClassifier",
    describeOperation: "DescribeDocumentClassifier",
    createPath: "/models/create-classifier",
  },
  recognizer: {
    id: "recognizer",
    label: "Entity recognizer",
    createOperation: "CreateEntityRecognizer",
    describeOperation: "DescribeEntityRecognizer",
    createPath: "/models/create-recognizer",
  },
};
