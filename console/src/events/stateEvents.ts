import { flywheelPath } from "../flywheels/flywheel";
import { jobPath, kindOfArn } from "../jobs/kinds";
import { modelPath } from "../models/arn";

/** A change of state, read from an event in EventBridge's form. */
export interface StateEvent {
  readonly id: string;
  /** Rises with the events of one resource. */
  readonly sequence: number;
  readonly at: Date;
  readonly account: string;
  /** What changed its state: "Job", "Model", "Endpoint", "Flywheel", "Flywheel Dataset", "Flywheel Iteration". */
  readonly kind: string;
  readonly resource: string;
  readonly status: string;
  /** The name that a job was given. */
  readonly name: string | undefined;
  readonly failure: string | undefined;
}

/** Whether a delivery has not been attempted, is attempted again, or was given up. */
export type DeliveryState = "WAITING" | "RETRYING" | "GIVEN_UP";

/** A delivery that has not succeeded. */
export interface Delivery {
  readonly target: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly next: Date | undefined;
  readonly failed: Date | undefined;
  readonly reason: string | undefined;
  readonly event: StateEvent;
}

/** A delivery as ListStateEventDeliveries of the API `reading-room` answers. */
export interface DeliveryAnswer {
  readonly Target: string;
  readonly State: DeliveryState;
  readonly Attempts: number;
  /** In seconds since 1970, like all times of this API. */
  readonly NextAttemptAt?: number;
  readonly FailedAt?: number;
  readonly Reason?: string;
  readonly Event: string;
}

interface Envelope {
  readonly id: string;
  readonly "detail-type": string;
  readonly account: string;
  readonly time: string;
  readonly resources: readonly string[];
  readonly detail: {
    readonly Sequence: number;
    readonly Status: string;
    readonly JobName?: string;
    readonly FailureCode?: string;
  };
}

/** Read an event that the API returned as JSON. */
export function readEvent(text: string): StateEvent {
  const { id, account, time, resources, detail, "detail-type": type } = JSON.parse(text) as Envelope;
  return {
    id,
    sequence: detail.Sequence,
    at: new Date(time),
    account,
    kind: type.replace(/^Comprehend /, "").replace(/ State Change$/, ""),
    resource: resources[0] ?? "",
    status: detail.Status,
    name: detail.JobName,
    failure: detail.FailureCode,
  };
}

export function readDelivery(answer: DeliveryAnswer): Delivery {
  const time = (seconds: number | undefined): Date | undefined =>
    seconds === undefined ? undefined : new Date(seconds * 1000);
  return {
    target: answer.Target,
    state: answer.State,
    attempts: answer.Attempts,
    next: time(answer.NextAttemptAt),
    failed: time(answer.FailedAt),
    reason: answer.Reason,
    event: readEvent(answer.Event),
  };
}

/** The events that are known and those that came after them, the newest first, at most `most`. */
export function joined(known: readonly StateEvent[], later: readonly StateEvent[], most: number): StateEvent[] {
  return [...later].reverse().concat(known).slice(0, most);
}

/** The part of an ARN that says what it names: "flywheel/mail/iteration/20261201T000000Z". */
export function shortName(arn: string): string {
  return arn.split(":").slice(5).join(":") || arn;
}

/** The page of what changed; `undefined` if it has none, or does not exist any more. */
export function resourcePath({ kind, resource, status }: StateEvent): string | undefined {
  if (status === "DELETED") return undefined;
  const [prefix = "", ...rest] = resource.split("/");
  switch (kind) {
    case "Job": {
      const found = kindOfArn(resource);
      return found === undefined ? undefined : jobPath(found, rest.join("/"));
    }
    case "Model":
      return modelPath(resource);
    case "Endpoint":
      return "/model-endpoints";
    case "Flywheel":
    case "Flywheel Dataset":
    case "Flywheel Iteration":
      return flywheelPath(`${prefix}/${rest[0] ?? ""}`);
    default:
      return undefined;
  }
}

type Indicator = "pending" | "in-progress" | "success" | "warning" | "error" | "stopped";

const INDICATORS: Readonly<Record<string, Indicator>> = {
  SUBMITTED: "pending",
  IN_PROGRESS: "in-progress",
  CREATING: "in-progress",
  UPDATING: "in-progress",
  TRAINING: "in-progress",
  EVALUATING: "in-progress",
  DELETING: "in-progress",
  STOP_REQUESTED: "pending",
  COMPLETED: "success",
  TRAINED: "success",
  ACTIVE: "success",
  IN_SERVICE: "success",
  TRAINED_WITH_WARNING: "warning",
  FAILED: "error",
  IN_ERROR: "error",
  STOPPED: "stopped",
  DELETED: "stopped",
};

/** A status with its words: "Stop requested". */
export function statusOf(status: string): { readonly type: Indicator; readonly label: string } {
  const words = status.toLowerCase().replaceAll("_", " ");
  return { type: INDICATORS[status] ?? "pending", label: words.charAt(0).toUpperCase() + words.slice(1) };
}

const DELIVERY_WORDS: Readonly<Record<DeliveryState, readonly [Indicator, string]>> = {
  WAITING: ["pending", "Waiting"],
  RETRYING: ["warning", "Failed, tried again"],
  GIVEN_UP: ["error", "Given up"],
};

/** The state of a delivery with its words. */
export function deliveryStateOf(state: DeliveryState): { readonly type: Indicator; readonly label: string } {
  const [type, label] = DELIVERY_WORDS[state];
  return { type, label };
}

const TARGETS: Readonly<Record<string, string>> = { webhook: "Web hook", "log-group": "Log group", bucket: "Bucket" };

/** The words for a target. */
export function targetWords(target: string): string {
  return TARGETS[target] ?? target;
}
