/** The service that runs jobs and trainings with a role. */
export const COMPREHEND_SERVICE = "comprehend.amazonaws.com";
/** The service that delivers flow logs with a role. */
export const FLOW_LOGS_SERVICE = "vpc-flow-logs.amazonaws.com";

/** A trust policy by which a service may assume the role, and only for what belongs to the account. */
export function serviceTrust(service: string, account: string): string {
  return JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: service },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "aws:SourceAccount": account } },
        },
      ],
    },
    null,
    2,
  );
}

/** Whether a trust policy, as IAM's answers carry it (percent-encoded), lets a service assume the role. */
export function trustsService(encoded: string | undefined, service: string): boolean {
  if (encoded === undefined) return false;
  try {
    const { Statement } = JSON.parse(decodeURIComponent(encoded)) as { Statement?: unknown };
    return listed(Statement).some((statement) => allows(statement, service));
  } catch {
    // A document that cannot be read names no service.
    return false;
  }
}

function allows(statement: unknown, service: string): boolean {
  const { Effect, Principal } = (statement ?? {}) as { Effect?: unknown; Principal?: { Service?: unknown } | "*" };
  if (Effect !== "Allow" || Principal === undefined || typeof Principal !== "object") return false;
  return listed(Principal.Service).includes(service);
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
