import type { StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { principalHref } from "../../access/data/names";
import { modelPath, parseModelArn } from "../../models/arn";
import { pathOf } from "../../vpc/ids";
import type { Change } from "./changes";

/** One step of CheckJob's answer. */
export interface Check {
  readonly Name: string;
  readonly Status: string;
  readonly Message: string;
  readonly Remedy?: string;
  readonly Command?: string;
  readonly ResourceId?: string;
  /** Calls that add what is missing. */
  readonly Changes?: readonly Change[];
}

const LABELS: Readonly<Record<string, string>> = {
  Request: "Request",
  Caller: "Your permission",
  PassRole: "Permission to pass the role",
  Role: "Role and its trust policy",
  RoleNetworkActions: "Role's permission to use the VPC",
  Network: "Subnets and security groups",
  Addresses: "Free addresses",
  DNS: "Names of S3 (DNS)",
  Route: "Route to S3",
  SecurityGroups: "Security groups to S3",
  Containers: "Containers reach each other",
  Input: "Input",
  Output: "Output",
  Model: "Custom model",
  BucketPolicy: "Bucket policy",
  EndpointPolicy: "Endpoint policy",
};

/** A check's name for people to read; an unknown one is shown as the API returns it. */
export function checkLabel(name: string): string {
  return LABELS[name] ?? name;
}

/** The icon of a status, and the word beside it. */
export function indicator(status: string): { type: StatusIndicatorProps.Type; word: string } {
  switch (status) {
    case "PASSED":
      return { type: "success", word: "Passed" };
    case "FAILED":
      return { type: "error", word: "Failed" };
    case "WARNING":
      return { type: "warning", word: "Warning" };
    case "SKIPPED":
      return { type: "stopped", word: "Not checked" };
    default:
      return { type: "info", word: status };
  }
}

/** The checks that show that the call or the job would fail. */
export function failedOf(checks: readonly Check[]): readonly Check[] {
  return checks.filter((check) => check.Status === "FAILED");
}

/** Whether any check needs attention: if not, one line is enough. */
export function isClean(checks: readonly Check[]): boolean {
  return checks.every((check) => check.Status === "PASSED" || check.Status === "SKIPPED");
}

/** The whole answer in one sentence. */
export function verdict(checks: readonly Check[]): string {
  const failed = checks.filter((check) => check.Status === "FAILED").length;
  const warned = checks.filter((check) => check.Status === "WARNING").length;
  const warnings = warned === 0 ? "" : ` ${warned === 1 ? "One warning" : `${warned} warnings`} to read.`;
  if (failed > 0)
    return `${failed === 1 ? "One check" : `${failed} checks`} failed: the job would not succeed as it is.${warnings}`;
  return `Nothing stands in the way.${warnings}`;
}

/** Sort the checks: those that need action first, and within a status in the order in which the job meets them. */
export function byUrgency(checks: readonly Check[]): readonly Check[] {
  const order = ["FAILED", "WARNING", "PASSED", "SKIPPED"];
  const rank = (check: Check): number => (order.indexOf(check.Status) + order.length) % order.length;
  return [...checks].sort((one, other) => rank(one) - rank(other));
}

/** The page of the console for the subject of a check; undefined if there is none. */
export function placeOf(resourceId: string): string | undefined {
  const bucket = /^(?:s3:\/\/|arn:aws:s3:::)([a-z0-9][.\-a-z0-9]+)(?:\/.*)?$/s.exec(resourceId)?.[1];
  if (bucket !== undefined) return `/s3/${bucket}`;
  if (parseModelArn(resourceId) !== undefined) return modelPath(resourceId);
  return pathOf(resourceId) ?? principalHref(resourceId);
}
