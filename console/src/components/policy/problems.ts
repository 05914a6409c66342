import { readError } from "../../api/errors";
import { jsonFault } from "./jsonFault";

/** What is wrong with a policy's text, and where, if that is known. Lines and columns count from 1. */
export interface PolicyProblem {
  readonly message: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The line and column of a character of a text. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, Math.max(0, offset));
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: before.length - lineStart + 1 };
}

/** The offset of a line and column in a text; positions outside the text give the nearest offset. */
export function offsetAt(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  const start = lines.slice(0, index).reduce((sum, each) => sum + each.length + 1, 0);
  return start + Math.min(Math.max(column, 1) - 1, lines[index]?.length ?? 0);
}

/** Why a text is not a JSON object; undefined if it is one. */
export function syntaxProblem(text: string): PolicyProblem | undefined {
  if (text.trim() === "") return { message: "The policy is empty. Write a JSON object with Version and Statement." };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return undefined;
    return { message: "A policy is a JSON object: it begins with { and ends with }.", line: 1, column: 1 };
  } catch {
    return { message: "The policy is not valid JSON.", ...positionAt(text, jsonFault(text) ?? text.length) };
  }
}

/** The problems of a policy that a call refused: the service's message, at the place that it refers to. */
export function problemsOf(error: unknown, text: string): PolicyProblem[] {
  const syntax = syntaxProblem(text);
  const { code, message } = readError(error);
  return [{ ...(syntax ?? placeOf(message, text)), message: `${code}: ${message}` }];
}

/** Whether an error is about a policy's text, and is therefore shown beside the text. */
export function isPolicyError(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(MalformedPolicyDocument|MalformedPolicy|InvalidPolicyDocument|PolicyNotAttachable)/.test(error.name)
  );
}

/** What is missing in a statement, or must not be there, by the messages that name no place. */
const LACKS: readonly (readonly [RegExp, (statement: Statement) => boolean])[] = [
  [/invalid resource/i, (statement) => textsOf(statement["Resource"]).some((resource) => !resource.startsWith("arn:"))],
  [/must contain actions/i, (statement) => !("Action" in statement) && !("NotAction" in statement)],
  [/must contain resources/i, (statement) => !("Resource" in statement) && !("NotResource" in statement)],
  [/should not specify a principal/i, (statement) => "Principal" in statement || "NotPrincipal" in statement],
  [/prohibited field Resource/i, (statement) => "Resource" in statement],
  [/Missing required field Principal/i, (statement) => !("Principal" in statement) && !("NotPrincipal" in statement)],
  [
    /Missing required field (Action|NotAction)/i,
    (statement) => !("Action" in statement) && !("NotAction" in statement),
  ],
  [/Missing required field Resource/i, (statement) => !("Resource" in statement) && !("NotResource" in statement)],
  [/Missing required field Effect/i, (statement) => !("Effect" in statement)],
  [
    /prefixed by a vendor/i,
    (statement) => actionsOf(statement).some((action) => action !== "*" && !action.includes(":")),
  ],
  [/only one colon/i, (statement) => actionsOf(statement).some((action) => action.split(":").length > 2)],
];

type Statement = Readonly<Record<string, unknown>>;

/** The place that a service's message refers to: it names the position, or quotes or means something there. */
export function placeOf(message: string, text: string): Position | undefined {
  const position = /position \((\d+),\s*(\d+)\)|line (\d+),? column (\d+)/i.exec(message);
  if (position) return { line: Number(position[1] ?? position[3]), column: Number(position[2] ?? position[4]) };
  if (/must be version/i.test(message)) return positionOfText(text, '"Version"');
  const quoted = quotedIn(message).find((part) => text.includes(JSON.stringify(part)));
  if (quoted !== undefined) {
    const repeats = /must be unique/i.test(message) ? text.lastIndexOf(JSON.stringify(quoted)) : -1;
    return repeats >= 0 ? positionAt(text, repeats) : positionOfText(text, JSON.stringify(quoted));
  }
  const vendor = /^Vendor (\S+) is not valid/.exec(message)?.[1];
  if (vendor !== undefined) return positionOfText(text, `"${vendor}:`);
  const lack = LACKS.find(([pattern]) => pattern.test(message));
  if (lack === undefined) return undefined;
  const statements = statementsOf(text);
  const index = statements.findIndex((statement) => lack[1](statement));
  return index < 0 ? undefined : statementPosition(text, index);
}

function positionOfText(text: string, part: string): Position | undefined {
  const found = text.indexOf(part);
  return found < 0 ? undefined : positionAt(text, found);
}

/** What a message quotes, the most specific first: quoted texts, ARNs, and what follows the word "Resource". */
function quotedIn(message: string): string[] {
  const quoted = [...message.matchAll(/"((?:[^"\\]|\\.)+)"/g)].map((match) => match[1] ?? "");
  const bare = [...message.matchAll(/\b(?:Resource|Action|Principal) (\S+) (?:must|is)\b/g)].map(
    (match) => match[1] ?? "",
  );
  return [...bare, ...quoted.reverse()];
}

function actionsOf(statement: Statement): string[] {
  return textsOf(statement["Action"] ?? statement["NotAction"]);
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === "string");
}

function statementsOf(text: string): Statement[] {
  try {
    const { Statement: entries } = JSON.parse(text) as { Statement?: unknown };
    const list: unknown[] = Array.isArray(entries) ? entries : [entries];
    return list.filter((entry): entry is Statement => typeof entry === "object" && entry !== null);
  } catch {
    // The caller has already reported that the text is not JSON.
    return [];
  }
}

/** The position of a statement's opening brace. */
export function statementPosition(text: string, index: number): Position | undefined {
  const key = text.indexOf('"Statement"');
  if (key < 0) return undefined;
  let depth = 0;
  let seen = -1;
  let inText = false;
  for (let offset = text.indexOf(":", key); offset >= 0 && offset < text.length; offset += 1) {
    const character = text[offset];
    if (inText) {
      if (character === "\\") offset += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === "{") {
      if (depth === 0) seen += 1;
      if (depth === 0 && seen === index) return positionAt(text, offset);
      depth += 1;
    } else if (character === "}") depth -= 1;
  }
  return undefined;
}

/** Where one of a document's statements begins. Only statements that are objects have a position. */
export function placeAmong(statements: readonly unknown[], index: number, text: string): Position | undefined {
  const isObject = (each: unknown): boolean => typeof each === "object" && each !== null && !Array.isArray(each);
  return isObject(statements[index])
    ? statementPosition(text, statements.slice(0, index).filter(isObject).length)
    : undefined;
}

/** The text of a policy, formatted; text that is not JSON is returned as it is. */
export function formatJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Nothing to format: the editor shows where it is broken.
    return text;
  }
}

/** How many characters of a policy count towards its limit: white space does not. */
export function countedCharacters(text: string): number {
  return text.replace(/\s/g, "").length;
}
