/** Who may assume the role that delivers flow logs to CloudWatch Logs. */
export function deliveryTrust(): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "vpc-flow-logs.amazonaws.com" }, Action: "sts:AssumeRole" }],
  });
}

/** What that role may do: Amazon's guide asks for these actions. */
export function deliveryPolicy(): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: [
          "logs:CreateLogGroup",
          "logs:CreateLogStream",
          "logs:PutLogEvents",
          "logs:DescribeLogGroups",
          "logs:DescribeLogStreams",
        ],
        Resource: "*",
      },
    ],
  });
}

/** The service that a role must trust to deliver flow logs. */
const SERVICE = "vpc-flow-logs.amazonaws.com";

/** Whether a trust policy, as IAM gives it (percent-encoded), lets the flow logs service in. */
export function trustsFlowLogs(encoded: string | undefined): boolean {
  try {
    return decodeURIComponent(encoded ?? "").includes(SERVICE);
  } catch {
    return false;
  }
}
