import { type PolicyProblem, placeAmong, syntaxProblem } from "../../components/policy/problems";

/** The most characters of an endpoint's policy, including white space. */
export const MOST_CHARACTERS = 20_480;
const DOCUMENT_KEYS = ["Version", "Id", "Statement"];
const STATEMENT_KEYS = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];

/**
 * What is wrong with an endpoint's policy that is JSON, judging by its form only; EC2 checks the rest.
 *
 * EC2 has no operation that only validates: ModifyVpcEndpoint decides when the policy is saved.
 */
export function policyProblems(text: string): PolicyProblem[] {
  // The editor itself says why a text is not a JSON object.
  if (syntaxProblem(text) !== undefined) return [];
  if (text.length > MOST_CHARACTERS)
    return [{ message: `It has ${text.length} characters; at most ${MOST_CHARACTERS} are allowed.` }];
  const document = JSON.parse(text) as Record<string, unknown>;
  const problems: string[] = [];
  for (const key of Object.keys(document))
    if (!DOCUMENT_KEYS.includes(key)) problems.push(`A policy has no element "${key}".`);
  const version = document["Version"];
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17")
    problems.push('Version must be "2012-10-17".');
  const statements = Array.isArray(document["Statement"]) ? document["Statement"] : [document["Statement"]];
  const isMissing = document["Statement"] === undefined || statements.length === 0;
  if (isMissing) problems.push("A policy needs a Statement.");
  const sids = statements.flatMap((each) => (isObject(each) && typeof each["Sid"] === "string" ? [each["Sid"]] : []));
  if (new Set(sids).size < sids.length) problems.push("Statement IDs (Sid) must be unique.");
  const ofStatements = isMissing
    ? []
    : statements.flatMap((each, index) =>
        statementProblems(each, index + 1).map((message) => ({ message, ...placeAmong(statements, index, text) })),
      );
  return [...problems.map((message) => ({ message })), ...ofStatements];
}

function statementProblems(statement: unknown, number: number): string[] {
  const where = `Statement ${number}`;
  if (!isObject(statement)) return [`${where} must be an object.`];
  const problems = Object.keys(statement)
    .filter((key) => !STATEMENT_KEYS.includes(key))
    .map((key) => `${where} has an unknown element "${key}".`);
  if (statement["Effect"] !== "Allow" && statement["Effect"] !== "Deny")
    problems.push(`${where} needs an Effect: "Allow" or "Deny".`);
  for (const name of ["Principal", "Action", "Resource"]) {
    const given = [name, `Not${name}`].filter((key) => key in statement);
    if (given.length === 0) problems.push(`${where} needs ${name === "Action" ? "an" : "a"} ${name}.`);
    if (given.length === 2) problems.push(`${where} has both ${name} and Not${name}: remove one.`);
  }
  for (const name of actionsOf(statement))
    if (name !== "*" && !/^[A-Za-z0-9-]+:[^:]+$/.test(name))
      problems.push(`${where}: the action "${name}" must have the form service:Action.`);
  return problems;
}

function actionsOf(statement: Record<string, unknown>): string[] {
  return [statement["Action"], statement["NotAction"]].flat().filter((each) => typeof each === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
