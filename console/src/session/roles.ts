const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/;

/** What is wrong with the ARN of a role, if anything. */
export function roleArnProblem(arn: string): string | undefined {
  return ROLE_ARN.test(arn.trim())
    ? undefined
    : "A role's ARN is arn:aws:iam::ACCOUNT:role/NAME, where ACCOUNT has 12 digits.";
}

/**
 * A session name by which the trail shows who assumed the role: the caller's name, without characters that are not
 * allowed.
 */
export function defaultSessionName(callerArn: string): string {
  const name = callerArn.split("/").at(-1) ?? "";
  const allowed = name.replaceAll(/[^\w+=,.@-]/g, "-").slice(0, 64);
  return allowed.length < 2 ? "console" : allowed;
}
