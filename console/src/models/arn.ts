import type { ModelKindId } from "./kinds";

/** The parts of a model's ARN. */
export interface ModelArn {
  readonly kind: ModelKindId;
  readonly region: string;
  readonly account: string;
  readonly name: string;
  readonly version: string | undefined;
}

const NAME = "[a-zA-Z0-9](?:-*[a-zA-Z0-9])*";
const ARN = new RegExp(
  `^arn:aws(?:-[^:]+)?:comprehend:([a-zA-Z0-9-]*):([0-9]{12}):(document-classifier|entity-recognizer)/(${NAME})(?:/version/(${NAME}))?$`,
);

/** Parse a model's ARN; ``undefined`` if it is not one. */
export function parseModelArn(arn: string): ModelArn | undefined {
  const match = ARN.exec(arn);
  if (match === null) return undefined;
  const [, region = "", account = "", type, name = "", version] = match;
  return { kind: type === "document-classifier" ? "classifier" : "recognizer", region, account, name, version };
}

/** The page of a model. */
export function modelPath(arn: string): string {
  return `/models/view?arn=${encodeURIComponent(arn)}`;
}

/** The address of the form for a job that uses the model. */
export function createJobPath(arn: string): string {
  return `/jobs/create?model=${encodeURIComponent(arn)}`;
}

/** The page that compares two models; the other one is chosen there if it is not given. */
export function comparePath(one: string, other = ""): string {
  return `/models/compare?${new URLSearchParams({ one, other })}`;
}
