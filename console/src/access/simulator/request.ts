import type {
  ContextEntry,
  ContextKeyTypeEnum,
  EvaluationResult,
  SimulateCustomPolicyRequest,
  SimulatePrincipalPolicyRequest,
  Statement,
} from "@aws-sdk/client-iam";

/** A condition key of the simulated request, as entered in the form. */
export interface ContextRow {
  readonly key: string;
  readonly type: ContextKeyTypeEnum;
  /** One value, or several with commas between them for the types that end in List. */
  readonly value: string;
}

export interface SimulatorForm {
  readonly source: "principal" | "custom";
  readonly principal: string;
  readonly policy: string;
  readonly actions: string;
  readonly resources: string;
  readonly context: readonly ContextRow[];
  readonly resourcePolicy: string;
  readonly caller: string;
}

export const CONTEXT_TYPES: readonly ContextKeyTypeEnum[] = [
  "string",
  "stringList",
  "numeric",
  "numericList",
  "boolean",
  "booleanList",
  "ip",
  "ipList",
  "binary",
  "binaryList",
  "date",
  "dateList",
];

/** The words of a text, which are separated by commas and white space. */
export function wordsOf(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** The lines of a text that are not empty: ARNs of objects may contain spaces and commas. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

export function contextEntries(rows: readonly ContextRow[]): ContextEntry[] {
  return rows
    .filter((row) => row.key.trim() !== "")
    .map(({ key, type, value }) => ({
      ContextKeyName: key.trim(),
      ContextKeyType: type,
      ContextKeyValues: type.endsWith("List") ? value.split(",").map((each) => each.trim()) : [value.trim()],
    }));
}

/** What is missing in a form before it can be simulated, as one sentence; undefined if it is complete. */
export function formProblem(form: SimulatorForm): string | undefined {
  if (form.source === "principal" && form.principal === "") return "Choose whose policies to simulate.";
  if (wordsOf(form.actions).length === 0) return "Name at least one action, for example s3:GetObject.";
  const odd = wordsOf(form.actions).find((action) => !/^[a-z0-9-]+:[A-Za-z0-9*?]+$/.test(action));
  if (odd !== undefined) return `${odd} is not an action: write SERVICE:Operation, for example s3:GetObject.`;
  if (form.resourcePolicy.trim() !== "" && linesOf(form.resources).length === 0) {
    return "Name the ARN of the resource that the resource policy belongs to.";
  }
  return undefined;
}

function shared(form: SimulatorForm) {
  const resources = linesOf(form.resources);
  const entries = contextEntries(form.context);
  return {
    ActionNames: wordsOf(form.actions),
    ...(resources.length > 0 && { ResourceArns: resources }),
    ...(entries.length > 0 && { ContextEntries: entries }),
    ...(form.resourcePolicy.trim() !== "" && { ResourcePolicy: form.resourcePolicy }),
    ...(form.caller !== "" && { CallerArn: form.caller }),
  };
}

export function principalRequest(form: SimulatorForm): SimulatePrincipalPolicyRequest {
  return { PolicySourceArn: form.principal, ...shared(form) };
}

export function customRequest(form: SimulatorForm): SimulateCustomPolicyRequest {
  return { PolicyInputList: [form.policy], ...shared(form) };
}

/** One line of the answer: an action on a resource. */
export interface ResultRow {
  readonly action: string;
  readonly resource: string;
  readonly decision: string;
  readonly matched: readonly Statement[];
  readonly missing: readonly string[];
  /** Whether the permissions boundary allows it, if there is one. */
  readonly boundary: boolean | undefined;
}

export function rowsOf(results: readonly EvaluationResult[]): ResultRow[] {
  return results.flatMap((result) => {
    const action = result.EvalActionName ?? "";
    const specific = result.ResourceSpecificResults ?? [];
    if (specific.length === 0) {
      return [
        {
          action,
          resource: result.EvalResourceName ?? "*",
          decision: result.EvalDecision ?? "",
          matched: result.MatchedStatements ?? [],
          missing: result.MissingContextValues ?? [],
          boundary: result.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary,
        },
      ];
    }
    return specific.map((each) => ({
      action,
      resource: each.EvalResourceName ?? "*",
      decision: each.EvalResourceDecision ?? "",
      matched: each.MatchedStatements ?? [],
      missing: each.MissingContextValues ?? [],
      boundary: each.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary,
    }));
  });
}

/** The part of a policy that a statement of the answer refers to. Lines and columns count from 1. */
export function excerpt(text: string, statement: Statement): string | undefined {
  const { StartPosition: start, EndPosition: end } = statement;
  if (start?.Line === undefined || end?.Line === undefined) return undefined;
  const lines = text.split("\n").slice(start.Line - 1, end.Line);
  const last = lines.length - 1;
  if (last < 0) return undefined;
  lines[last] = (lines[last] ?? "").slice(0, (end.Column ?? 1) - 1);
  lines[0] = (lines[0] ?? "").slice((start.Column ?? 1) - 1);
  return lines.join("\n").trim();
}

export function placeText(statement: Statement): string {
  const { StartPosition: start, EndPosition: end } = statement;
  if (start?.Line === undefined) return "";
  return end?.Line === undefined || end.Line === start.Line
    ? `line ${start.Line}`
    : `lines ${start.Line} to ${end.Line}`;
}
