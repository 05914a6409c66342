import { formatJson } from "../../components/policy/problems";

/** What an identity is, by the word in the page's address. */
export type IdentityType = "users" | "roles" | "groups";
export type ListType = IdentityType | "policies";

const LIST_TYPES: readonly ListType[] = ["users", "roles", "groups", "policies"];

export const NOUN: Readonly<Record<ListType, string>> = {
  users: "user",
  roles: "role",
  groups: "group",
  policies: "policy",
};

export function isListType(text: string | undefined): text is ListType {
  return LIST_TYPES.some((type) => type === text);
}

/**
 * The console's page of a user, role, group or policy. A policy is identified by its ARN, because AWS's own and the
 * account's may have the same name.
 */
export function identityHref(type: ListType, nameOrArn: string): string {
  return `/access/${type}/${encodeURIComponent(nameOrArn)}`;
}

/** The page of a principal, by its ARN, if it has one: a session's is the page of its role. */
export function principalHref(arn: string): string | undefined {
  const session = /^arn:aws:sts::\d+:assumed-role\/([^/]+)\//.exec(arn);
  if (session?.[1] !== undefined) return identityHref("roles", session[1]);
  const identity = /^arn:aws:iam::\d+:(user|role|group)\/(?:.*\/)?([^/]+)$/.exec(arn);
  if (identity?.[1] === undefined || identity[2] === undefined) return undefined;
  return identityHref(`${identity[1]}s` as IdentityType, identity[2]);
}

/** Whether a policy is AWS's own, which nobody can change. */
export function isAwsOwn(arn: string): boolean {
  return arn.startsWith("arn:aws:iam::aws:policy/");
}

export function policyName(arn: string): string {
  return arn.split("/").at(-1) ?? arn;
}

const MOST: Readonly<Record<ListType, number>> = { users: 64, roles: 64, groups: 128, policies: 128 };

/** What is wrong with a name, or undefined. An empty name is not wrong yet. */
export function nameProblem(type: ListType, name: string): string | undefined {
  if (name === "") return undefined;
  if (name.length > MOST[type]) return `At most ${MOST[type]} characters.`;
  // The service's set is \w of ASCII and these.
  return /^[A-Za-z0-9_+=,.@-]+$/.test(name)
    ? undefined
    : "Letters of the English alphabet, digits and _ + = , . @ - only.";
}

/** The text of a policy document in an answer of IAM, where it is encoded as in a URL. */
export function documentText(encoded: string | undefined): string {
  const text =
    encoded?.startsWith("%7B") || /%[0-9A-F]{2}/i.test(encoded ?? "") ? safeDecode(encoded ?? "") : (encoded ?? "");
  return formatJson(text);
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
