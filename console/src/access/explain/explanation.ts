/** The answer of ExplainRequest of the API ``reading-room``. Times are seconds since 1970. */
export interface Explanation {
  readonly RequestId: string;
  readonly Calls: readonly ExplainedCall[];
  readonly Denials: readonly Denial[];
}

export interface ExplainedCall {
  readonly EventName: string;
  readonly EventSource: string;
  readonly EventTime: number;
  readonly PrincipalArn?: string;
  readonly SourceIpAddress?: string;
  readonly VpcEndpointId?: string;
  readonly ErrorCode?: string;
  readonly ErrorMessage?: string;
}

export interface Denial {
  readonly RequestId: string;
  readonly At: number;
  readonly Decision: "explicitDeny" | "implicitDeny";
  readonly PrincipalArn: string;
  readonly Action: string;
  readonly Resource: string;
  readonly Message: string;
  readonly Because: readonly string[];
  readonly DecidingStatements: readonly ExplainedStatement[];
  readonly ClosestStatements: readonly ExplainedStatement[];
  readonly Policies: readonly string[];
  readonly Context: readonly { readonly Key: string; readonly Values: readonly string[] }[];
  readonly Withheld?: string;
}

export interface ExplainedStatement {
  readonly Policy: string;
  readonly Statement: string;
  readonly Effect: string;
  readonly Document: string;
  readonly Mismatches: readonly string[];
  readonly Conditions: readonly ExplainedCondition[];
}

export interface ExplainedCondition {
  readonly Operator: string;
  readonly Key: string;
  readonly Wanted: readonly string[];
  readonly Found: readonly string[];
  readonly Holds: boolean;
}

/** The text that EC2 puts behind its refusal, if a message has one. */
export function encodedMessageIn(text: string): string | undefined {
  return /Encoded authorization failure message:\s*(\S+)/.exec(text)?.[1];
}

/** What people paste: a bare encoded message, or EC2's whole error. */
export function encodedMessageOf(pasted: string): string {
  return encodedMessageIn(pasted) ?? pasted.trim();
}

/** A request id in what people paste: the id alone, or an error text with one in it. */
export function requestIdOf(pasted: string): string | undefined {
  const labelled = /request ?id:?\s*([0-9A-Za-z-]{8,128})/i.exec(pasted)?.[1];
  if (labelled !== undefined) return labelled;
  const alone = pasted.trim();
  return /^[0-9A-Za-z-]{1,128}$/.test(alone) ? alone : undefined;
}

/** The simulator's address with the refused request filled in. */
export function simulatorHref(denial: Denial): string {
  // The simulator takes users, groups and roles: a session's policies are those of its role.
  const session = /^arn:aws:sts::(\d+):assumed-role\/([^/]+)\//.exec(denial.PrincipalArn);
  const principal = session ? `arn:aws:iam::${session[1]}:role/${session[2]}` : denial.PrincipalArn;
  const parameters = new URLSearchParams({ principal, action: denial.Action });
  if (denial.Resource !== "*") parameters.set("resource", denial.Resource);
  return `/access/simulator?${parameters.toString()}`;
}

/** A condition of a statement, as a sentence. */
export function conditionText({ Operator, Key, Wanted, Found, Holds }: ExplainedCondition): string {
  const wanted = Wanted.join(" or ");
  const found = Found.length === 0 ? "the request has no such key" : `the request's is ${Found.join(", ")}`;
  return `${Operator} on ${Key} wants ${wanted}; ${found}: ${Holds ? "holds" : "fails"}`;
}

/** Whether a condition is a cause of the denial: one that fails in an allow statement, or holds in a deny statement. */
export function causesDenial(effect: string, holds: boolean): boolean {
  return effect === "Deny" ? holds : !holds;
}

/** What else does not match a statement, apart from its conditions, which are listed one by one. */
export function otherMismatches({
  Mismatches,
  Conditions,
}: Pick<ExplainedStatement, "Mismatches" | "Conditions">): readonly string[] {
  return Conditions.length === 0 ? Mismatches : Mismatches.filter((each) => !/^condition\b/i.test(each));
}
