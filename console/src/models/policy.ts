import { type PolicyProblem, placeAmong, positionAt, syntaxProblem } from "../components/policy/problems";

const IMPORT_ACTION = "comprehend:ImportModel";
/** The most characters of a model's policy, white space counted. */
export const MOST_CHARACTERS = 20_000;

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

/** What is wrong with a text as the policy of a model, as one sentence; ``undefined`` if nothing can be seen from here. */
export function policyProblem(text: string): string | undefined {
  return (syntaxProblem(text) ?? policyProblems(text)[0])?.message;
}

/** What is wrong with a policy of a model that is JSON; the editor itself says why a text is no JSON object. */
export function policyProblems(text: string): PolicyProblem[] {
  if (syntaxProblem(text) !== undefined) return [];
  if (text.length > MOST_CHARACTERS)
    return [{ message: `A policy has at most ${MOST_CHARACTERS} characters; this one has ${text.length}.` }];
  const odd = /[^\t\n\r\u0020-\u00ff]/u.exec(text);
  if (odd !== null) {
    const message = `The character ${JSON.stringify(odd[0])} cannot stand in a policy: write it as \\u escape.`;
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
