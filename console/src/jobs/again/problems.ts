import { fieldOfError } from "../../create/apiErrors";
import { type Check, checkLabel, failedOf } from "../../create/parts/preflight";
import { parseModelArn } from "../../models/arn";
import { deletionWord } from "../../models/model";
import { type JobKind, modelArnOf } from "../kinds";
import type { JobProperties } from "../properties";

/** What a dialog can ask for. Everything else needs the whole form. */
export type Asked = "model" | "network" | "role";

/** Why a job cannot run again as it was. */
export interface Problem {
  readonly title: string;
  /** What the service says. */
  readonly message: string;
  readonly asked?: Asked;
  /** What to change, if the dialog cannot ask for it. */
  readonly remedy?: string | undefined;
}

/** The problems that the service's checks of the same request found. */
export function problemsOf(kind: JobKind, job: JobProperties, checks: readonly Check[]): Problem[] {
  return failedOf(checks).map((check) => problemOf(kind, job, check));
}

function problemOf(kind: JobKind, job: JobProperties, check: Check): Problem {
  const asked = askedBy(check);
  const { Message: message, Remedy: remedy } = check;
  return asked === undefined
    ? { title: checkLabel(check.Name), message, remedy }
    : { title: titleOf(asked, kind, job), message, asked };
}

function askedBy({ Name, Message }: Check): Asked | undefined {
  if (Name === "Network") return "network";
  if (Name === "Role") return "role";
  if (Name !== "Request") return undefined;
  const fields = fieldOfError(new Error(Message)) ?? {};
  if ("model" in fields) return "model";
  if ("role" in fields) return "role";
  return "vpc" in fields || "subnets" in fields || "groups" in fields ? "network" : undefined;
}

function titleOf(asked: Asked, kind: JobKind, job: JobProperties): string {
  if (asked === "role") return "Its role cannot be used any more";
  if (asked === "network") return "Its VPC is not as it was";
  if (job.FlywheelArn !== undefined) return "Its flywheel cannot be used any more";
  const model = modelArnOf(kind, job) ?? "";
  const named = parseModelArn(model);
  return `Its model ${named === undefined ? model : deletionWord(named)} cannot be used any more`;
}

/** The problem of tags that the caller may not read: a kind whose network is in a tag has lost its network. */
export function tagsProblem(kind: JobKind): Problem {
  const message = "You may not read the tags of the job: that takes comprehend:ListTagsForResource.";
  return kind.vpcTag
    ? { title: "Its network is in its tags", message, asked: "network" }
    : { title: "Its tags are not known", message, remedy: "The new job will have no tags." };
}
