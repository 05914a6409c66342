import { type PolicyProblem, placeAmong, positionAt, syntaxProblem } from "../components/policy/problems";

const IMPORT_ACTION = "comprehend:ImportModel";
/** The most characters of a model's policy, including white space. */
export const MOST_CHARACTERS = 20_000;

/** A policy that allows an account to import a model: an example to edit. */
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

/**
 * What is wrong with a text as the policy of a model, as one sentence; ``undefined`` if nothing wrong can be detected
 * here.
 */
export function policyProblem(text: string): string | undefined {
  return (syntaxProblem(text) ?? policyProblems(text)[0])?.message;
}

/** What is wrong with a model's policy that is JSON; the editor itself says why a text is not a JSON object. */
export function policyProblems(text: string): PolicyProblem[] {
  if (syntaxProblem(text) !== undefined) return [];
  if (text.length > MOST_CHARACTERS)
    return [{ message: `A policy has at most ${MOST_CHARACTERS} characters; this one has ${text.length}.` }];
  const odd = /[^\t\n\r\u0020-\u00ff]/u.exec(text);
  if (odd !== null) {
    const message = `The character ${JSON.stringify(odd[0])} is not allowed in a policy: write it as a \\u escape.`;
    return [{ message, ...positionAt(text, odd.index) }];
  }
  const { Statement } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const statements = Array.isArray(Statement) ? Statement : [Statement];
  if (Statement === undefined || statements.length === 0) return [{ message: "Statement is missing." }];
  return statements.flatMap((statement, index) => {
    const problem = statementProblem(statement);
    if (problem === undefined) return [];
    return [{ message: `Statement ${index + 1}: ${problem}`, ...placeAmong(statements, index, text) }];
  });
}

function statementProblem(statement: unknown): string | undefined {
  if (!isObject(statement)) return "it is not a JSON object.";
  const { Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement;
  if (Effect !== "Allow" && Effect !== "Deny") return "Effect must be Allow or Deny.";
  if (Principal === undefined && NotPrincipal === undefined) return "Principal is missing: it names who may import.";
  if (NotAction !== undefined) return `NotAction is not supported here: ${IMPORT_ACTION} is the only action.`;
  const actions = Array.isArray(Action) ? Action : [Action];
  if (Action === undefined || actions.length === 0) return `Action is missing: it must be ${IMPORT_ACTION}.`;
  const other = actions.find((action) => typeof action !== "string" || !matches(action, IMPORT_ACTION));
  if (other !== undefined) {
    return `Action ${JSON.stringify(other)} does not apply to models: ${IMPORT_ACTION} is the only one.`;
  }
  if (Resource === undefined && NotResource === undefined) return "Resource is missing: enter the model's ARN or *.";
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a pattern with * and ? matches a name; case does not matter in actions. */
function matches(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i").test(name);
}
