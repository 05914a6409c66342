/** A request as the API accepts it: JSON, without dates and blobs. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json | undefined };

export interface CodeSettings {
  readonly apiUrl: string;
  readonly region: string;
}

// Characters that are invisible or reverse the rest of a line: code to be copied must show them.
const HIDDEN = /[\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text that JSON and Python read as the same value, without invisible characters. */
function visibleJson(value: string): string {
  return JSON.stringify(value).replace(HIDDEN, escaped);
}

/** Quote one word for a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * The request as a command of the AWS CLI.
 *
 * It is one JSON text: with separate options, the CLI would read values that begin with file:// as files.
 */
export function cliCommand(operation: string, request: Json, { apiUrl, region }: CodeSettings): string {
  const words = [
    `aws comprehend ${kebabCase(operation)}`,
    `--endpoint-url ${shellQuote(apiUrl)}`,
    `--region ${shellQuote(region)}`,
    `--cli-input-json ${shellQuote(literal(request, JSON_WORDS, ""))}`,
  ];
  return words.join(" \\\n  ");
}

/** The request as Python with boto3. */
export function pythonCode(operation: string, request: Json, { apiUrl, region }: CodeSettings): string {
  const members = Object.entries(request as object).filter(([, value]) => value !== undefined);
  const lines = members.map(([name, value]) => `    ${name}=${literal(value as Json, PYTHON_WORDS, "    ")},`);
  return [
    "import boto3",
    "",
    `comprehend = boto3.client("comprehend", endpoint_url=${visibleJson(apiUrl)}, region_name=${visibleJson(region)})`,
    `response = comprehend.${snakeCase(operation)}(`,
    ...lines,
    ")",
    "print(response)",
  ].join("\n");
}

/** StartEntitiesDetectionJob: start-entities-detection-job. */
export function kebabCase(operation: string): string {
  return words(operation).join("-");
}

/** StartEntitiesDetectionJob: start_entities_detection_job. */
export function snakeCase(operation: string): string {
  return words(operation).join("_");
}

type Words = readonly [true: string, false: string, none: string];
const JSON_WORDS: Words = ["true", "false", "null"];
const PYTHON_WORDS: Words = ["True", "False", "None"];

function literal(value: Json, constants: Words, indent: string): string {
  if (value === true) return constants[0];
  if (value === false) return constants[1];
  if (value === null) return constants[2];
  if (typeof value === "string") return visibleJson(value);
  if (typeof value === "number") return String(value);
  const inner = `${indent}  `;
  if (isList(value)) {
    return block(
      "[",
      "]",
      value.map((item) => inner + literal(item, constants, inner)),
      indent,
    );
  }
  const members = Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  const lines = members.map(([name, item]) => `${inner}${visibleJson(name)}: ${literal(item, constants, inner)}`);
  return block("{", "}", lines, indent);
}

function block(open: string, close: string, lines: readonly string[], indent: string): string {
  return lines.length === 0 ? open + close : `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function words(operation: string): string[] {
  return operation.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
