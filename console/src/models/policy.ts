export const IMPORT_ACTION = "comprehend:ImportModel";
const MOST = 20_000;

/** A policy that lets an account import a model: to be changed, not to be put as it is. */
export function examplePolicy(arn: string, account: string): string {
  return JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "LetImport",
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account}:root` },
          Action: IMPORT_ACTION,
          Resource: arn,
        },
      ],
    },
    null,
    2,
  );
}

/** A stored policy, which the API keeps in one line, as people read it. */
export function prettyPolicy(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Say what is wrong with a text as the policy of a model; ``undefined`` if nothing can be seen from here. */
export function policyProblem(text: string): string | undefined {
  if (text.trim() === "") return "Write a policy, or insert the example.";
  if (text.length > MOST) return `A policy has at most ${MOST} characters; this one has ${text.length}.`;
  const odd = /[^\t\n\r\u0020-\u00ff]/u.exec(text);
  if (odd !== null) return `The character ${JSON.stringify(odd[0])} cannot stand in a policy: write it as \\u escape.`;
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch (error) {
    return `This is no JSON: ${error instanceof Error ? error.message : String(error)}.`;
  }
  if (!isObject(policy)) return "A policy is a JSON object with Version and Statement.";
  const statements = Array.isArray(policy["Statement"]) ? policy["Statement"] : [policy["Statement"]];
  if (policy["Statement"] === undefined || statements.length === 0) return "Statement is missing.";
  for (const [index, statement] of statements.entries()) {
    const problem = statementProblem(statement);
    if (problem !== undefined) return `Statement ${index + 1}: ${problem}`;
  }
  return undefined;
}

function statementProblem(statement: unknown): string | undefined {
  if (!isObject(statement)) return "it is no JSON object.";
  const { Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement;
  if (Effect !== "Allow" && Effect !== "Deny") return "Effect must be Allow or Deny.";
  if (Principal === undefined && NotPrincipal === undefined) return "Principal is missing: it names who may import.";
  if (NotAction !== undefined) return `NotAction does not go here: ${IMPORT_ACTION} is the only action.`;
  const actions = Array.isArray(Action) ? Action : [Action];
  if (Action === undefined || actions.length === 0) return `Action is missing: it must be ${IMPORT_ACTION}.`;
  const other = actions.find((action) => typeof action !== "string" || !matches(action, IMPORT_ACTION));
  if (other !== undefined) {
    return `Action ${JSON.stringify(other)} means nothing to a model: ${IMPORT_ACTION} is the only one.`;
  }
  if (Resource === undefined && NotResource === undefined) return "Resource is missing: give the model's ARN or *.";
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a pattern with * and ? fits a name; letters' case does not matter in actions. */
function matches(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i").test(name);
}
