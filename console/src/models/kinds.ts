export type ModelKindId = "classifier" | "recognizer";

/** A type of custom model, with the console's terms for it. */
export interface ModelKind {
  readonly id: ModelKindId;
  readonly label: string;
  readonly createOperation: "CreateDocumentClassifier" | "CreateEntityRecognizer";
  readonly describeOperation: "DescribeDocumentClassifier" | "DescribeEntityRecognizer";
  readonly createPath: string;
  /** The member of a Start request that names such a model. */
  readonly arnMember: "DocumentClassifierArn" | "EntityRecognizerArn";
}

export const MODEL_KINDS: Readonly<Record<ModelKindId, ModelKind>> = {
  classifier: {
    id: "classifier",
    label: "Classifier",
    createOperation: "CreateDocumentClassifier",
    describeOperation: "DescribeDocumentClassifier",
    createPath: "/models/create-classifier",
    arnMember: "DocumentClassifierArn",
  },
  recognizer: {
    id: "recognizer",
    label: "Entity recognizer",
    createOperation: "CreateEntityRecognizer",
    describeOperation: "DescribeEntityRecognizer",
    createPath: "/models/create-recognizer",
    arnMember: "EntityRecognizerArn",
  },
};
