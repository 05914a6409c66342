import { bucketsOf, parseS3Uri } from "./s3Uri";
import { NETWORK_ACTIONS } from "./vpc";

/** What a role must give access to: the locations of the request, and whether the job is in a VPC. */
export interface RoleAccess {
  /** S3 URIs that are read, each a prefix. */
  readonly inputs: readonly string[];
  /** S3 URIs below which the job writes. */
  readonly outputs: readonly string[];
  readonly network: boolean;
  /** The gateway endpoint of the VPC for S3: if set, the role can use storage only through it. */
  readonly endpoint?: string | undefined;
}

export type Scope = "locations" | "buckets";

interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export const ROLE_PATH = "/service-role/";
export const ROLE_PREFIX = "AmazonComprehendServiceRole-";
export const POLICY_NAME = "job-access";
const NAME_LENGTH = 64;

/** The minimal policy for a job with this access. Locations that are not S3 URIs yet are left out. */
export function accessPolicy(access: RoleAccess, scope: Scope): { Version: string; Statement: Statement[] } {
  const through = access.endpoint !== undefined && {
    Condition: { StringEquals: { "aws:SourceVpce": access.endpoint } },
  };
  const inputs = resources(access.inputs, scope);
  const outputs = resources(access.outputs, scope);
  const statements: Statement[] = [];
  if (inputs.length > 0) {
    statements.push(
      { Sid: "ReadInput", Effect: "Allow", Action: ["s3:GetObject"], Resource: inputs, ...through },
      { Sid: "ListInput", Effect: "Allow", Action: ["s3:ListBucket"], Resource: buckets(access.inputs), ...through },
    );
  }
  if (outputs.length > 0) {
    statements.push({
      Sid: "WriteOutput",
      Effect: "Allow",
      // The containers of a job exchange parts below the output, so they must read there, too.
      Action: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
      Resource: outputs,
      ...through,
    });
  }
  if (access.network) {
    statements.push({ Sid: "JoinVpc", Effect: "Allow", Action: NETWORK_ACTIONS, Resource: "*" });
  }
  return { Version: "2012-10-17", Statement: statements };
}

/** What is wrong with a role's suffix; undefined if it is valid. */
export function suffixProblem(suffix: string): string | undefined {
  if (suffix === "") return "Enter a suffix for the role's name.";
  if (!/^[\w+=,.@-]+$/.test(suffix)) return "Use letters, digits and _+=,.@- only.";
  const most = NAME_LENGTH - ROLE_PREFIX.length;
  return suffix.length > most ? `Shorten it: a suffix has at most ${most} characters.` : undefined;
}

function resources(uris: readonly string[], scope: Scope): string[] {
  const found = uris.flatMap((uri) => {
    const place = parseS3Uri(uri);
    if (place === undefined) return [];
    return [`arn:aws:s3:::${place.bucket}/${scope === "buckets" ? "" : literalKey(place.key)}*`];
  });
  return [...new Set(found)];
}

function buckets(uris: readonly string[]): string[] {
  return bucketsOf(uris).map((bucket) => `arn:aws:s3:::${bucket}`);
}

/** A key as a policy's resource, with characters escaped that would form a pattern or a variable. */
function literalKey(key: string): string {
  return key.replace(/\$(?=\{)|[*?]/g, (sign) => `\${${sign}}`);
}
