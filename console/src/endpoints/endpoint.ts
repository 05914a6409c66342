import type { EndpointProperties } from "@aws-sdk/client-comprehend";
import { parseModelArn } from "../models/arn";
import type { ModelKindId } from "../models/kinds";

/** A model endpoint, without the members that the console does not show. */
export interface Endpoint {
  readonly arn: string;
  readonly name: string;
  /** The type of its models, which never changes. */
  readonly kind: ModelKindId;
  readonly status: string;
  readonly message: string | undefined;
  readonly model: string;
  readonly desiredModel: string;
  /** The ARN of the flywheel whose active model it follows. */
  readonly flywheel: string | undefined;
  readonly units: number | undefined;
  readonly desiredUnits: number;
  readonly created: Date | undefined;
  readonly modified: Date | undefined;
}

/** What an endpoint did in the last minute, as GetEndpointMetrics of the API `reading-room` says. */
export interface EndpointMetrics {
  readonly EndpointArn: string;
  readonly ProvisionedInferenceUnits: number;
  readonly ConsumedInferenceUnits: number;
  readonly InferenceUtilization: number;
  readonly ThrottledCalls: number;
}

export interface EndpointMetricsAnswer {
  readonly PeriodSeconds: number;
  readonly EndpointMetrics: readonly EndpointMetrics[];
}

/** An endpoint with its figures, which only one that answers calls has. */
export interface Row extends Endpoint {
  readonly metrics: EndpointMetrics | undefined;
}

export function endpointOf(properties: EndpointProperties): Endpoint {
  const arn = properties.EndpointArn ?? "";
  return {
    arn,
    name: arn.split("/").at(-1) ?? arn,
    kind: arn.includes(":document-classifier-endpoint/") ? "classifier" : "recognizer",
    status: properties.Status ?? "",
    message: properties.Message,
    model: properties.ModelArn ?? "",
    desiredModel: properties.DesiredModelArn ?? properties.ModelArn ?? "",
    flywheel: properties.FlywheelArn,
    units: properties.CurrentInferenceUnits,
    desiredUnits: properties.DesiredInferenceUnits ?? 0,
    created: properties.CreationTime,
    modified: properties.LastModifiedTime,
  };
}

/** The endpoints with their figures, newest first. */
export function rowsOf(endpoints: readonly Endpoint[], metrics: readonly EndpointMetrics[]): Row[] {
  const byArn = new Map(metrics.map((each) => [each.EndpointArn, each]));
  return endpoints
    .map((each) => ({ ...each, metrics: byArn.get(each.arn) }))
    .sort((one, other) => (other.created?.getTime() ?? 0) - (one.created?.getTime() ?? 0));
}

/** Whether the endpoint's status will still change by itself. */
export function isMoving({ status }: Endpoint): boolean {
  return ["CREATING", "UPDATING", "DELETING"].includes(status);
}

/** Whether it answers calls. */
export function answers({ status }: Endpoint): boolean {
  return status === "IN_SERVICE" || status === "UPDATING";
}

/** Whether it can be updated: the API refuses a second update, and one of an endpoint that is being created. */
export function canUpdate({ status }: Endpoint): boolean {
  return status === "IN_SERVICE" || status === "FAILED";
}

type Indicator = "pending" | "in-progress" | "success" | "error";

const STATUS: Readonly<Record<string, readonly [Indicator, string]>> = {
  CREATING: ["in-progress", "Creating"],
  IN_SERVICE: ["success", "In service"],
  UPDATING: ["in-progress", "Updating"],
  FAILED: ["error", "Failed"],
  DELETING: ["in-progress", "Deleting"],
};

/** A status as it is shown; an unknown one is shown as it is. */
export function statusOf(status: string): { readonly type: Indicator; readonly label: string } {
  const [type, label] = STATUS[status] ?? ["pending", status];
  return { type, label };
}

/** A model's name and version for a table: "tickets · v2". */
export function modelWords(arn: string): string {
  const named = parseModelArn(arn);
  if (named === undefined) return arn;
  return named.version === undefined ? named.name : `${named.name} · ${named.version}`;
}

/** Inference units with as many decimals as are of use: "0.25", "12". */
export function formatUnits(units: number): string {
  return units.toLocaleString("en", { maximumFractionDigits: units < 10 ? 2 : 0 });
}

const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/;
const MOST_NAME = 40;

/** What is wrong with the name of an endpoint, by the API's own rule; `undefined` if it is valid. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "Enter a name.";
  if (name.length > MOST_NAME) return `A name has at most ${MOST_NAME} characters; this one has ${name.length}.`;
  if (!NAME.test(name)) return "A name has letters, digits and hyphens, and begins and ends with a letter or a digit.";
  return undefined;
}

/** What is wrong with a number of units; `undefined` if it is valid. */
export function unitsProblem(units: string): string | undefined {
  return /^[1-9][0-9]{0,6}$/.test(units) ? undefined : "Enter a whole number from 1.";
}
