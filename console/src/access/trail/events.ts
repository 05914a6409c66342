import type { Event, LookupAttributeKey, LookupEventsRequest } from "@aws-sdk/client-cloudtrail";

/** An event as lists show it: what LookupEvents returns, and more from the event's text. */
export interface TrailEvent {
  readonly id: string;
  readonly at: Date;
  readonly name: string;
  readonly source: string;
  readonly user: string;
  readonly principal: string;
  readonly readOnly: boolean;
  readonly errorCode: string | undefined;
  readonly errorMessage: string | undefined;
  readonly requestId: string | undefined;
  readonly sourceIp: string;
  readonly endpoint: string | undefined;
  readonly resources: string;
  /** The event as it is in the trail, formatted. */
  readonly text: string;
}

type Json = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

export function readEvent(event: Event): TrailEvent {
  const whole = parse(event.CloudTrailEvent ?? "");
  const identity = (whole?.["userIdentity"] ?? {}) as Json;
  return {
    id: event.EventId ?? "",
    at: event.EventTime ?? new Date(Number.NaN),
    name: event.EventName ?? "",
    source: event.EventSource ?? "",
    user: event.Username ?? textOf(identity["invokedBy"]) ?? "-",
    principal: textOf(identity["arn"]) ?? textOf(identity["invokedBy"]) ?? "-",
    readOnly: event.ReadOnly === "true",
    errorCode: textOf(whole?.["errorCode"]),
    errorMessage: textOf(whole?.["errorMessage"]),
    requestId: textOf(whole?.["requestID"]),
    sourceIp: textOf(whole?.["sourceIPAddress"]) ?? "-",
    endpoint: textOf(whole?.["vpcEndpointId"]),
    resources: (event.Resources ?? []).map((resource) => resource.ResourceName ?? "").join(", "),
    text: whole === undefined ? (event.CloudTrailEvent ?? "") : JSON.stringify(whole, null, 2),
  };
}

function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Json) : undefined;
  } catch {
    // The reader sees the original text.
    return undefined;
  }
}

/** Whether a call was refused for lack of permission, so that it can be explained. */
export function isDenial(event: TrailEvent): boolean {
  return /^(Client\.)?(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError)$/.test(
    event.errorCode ?? "",
  );
}

export interface TrailFilter {
  readonly attribute: LookupAttributeKey | "";
  readonly value: string;
  /** Times in milliseconds; undefined for no bound. */
  readonly from?: number | undefined;
  readonly until?: number | undefined;
}

/**
 * AWS filters by one attribute and a range of time; the page does all other filtering on the events that it has read.
 */
export function lookupRequest(filter: TrailFilter, next?: string): LookupEventsRequest {
  const value = filter.value.trim();
  return {
    MaxResults: 50,
    ...(filter.attribute !== "" &&
      value !== "" && { LookupAttributes: [{ AttributeKey: filter.attribute, AttributeValue: value }] }),
    ...(filter.from !== undefined && { StartTime: new Date(filter.from) }),
    ...(filter.until !== undefined && { EndTime: new Date(filter.until) }),
    ...(next !== undefined && { NextToken: next }),
  };
}

export const ATTRIBUTES: readonly (readonly [LookupAttributeKey, string])[] = [
  ["ReadOnly", "Read only (true or false)"],
  ["EventName", "Event name"],
  ["Username", "User name"],
  ["ResourceName", "Resource name"],
  ["ResourceType", "Resource type"],
  ["EventSource", "Event source"],
  ["AccessKeyId", "Access key id"],
  ["EventId", "Event id"],
];

const HOUR = 3_600_000;

export const RANGES: readonly (readonly [string, string, number | undefined])[] = [
  ["1h", "Last hour", HOUR],
  ["24h", "Last 24 hours", 24 * HOUR],
  ["7d", "Last 7 days", 7 * 24 * HOUR],
  ["90d", "Last 90 days", undefined],
];
