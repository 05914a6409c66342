import { bucketsOf, parseS3Uri } from "./s3Uri";
import { NETWORK_ACTIONS } from "./vpc";

/** What a role is to be good for: the locations of the request that it is for, and whether it is in a VPC. */
export interface RoleAccess {
  /** S3 URIs that are read, each a prefix. */
  readonly inputs: readonly string[];
  /** S3 URIs that are written below. */
  readonly outputs: readonly string[];
  readonly network: boolean;
  /** The gateway endpoint of the VPC for S3: the role's storage is then reached by it alone. */
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

/** The least that a job with this access needs. Locations that are no S3 URIs yet are left out. */
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
      // Containers of one job hand each other their parts below the output, so they read it, too.
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

/** What is wrong with a role's suffix; undefined where nothing is. */
export function suffixProblem(suffix: string): string | undefined {
  if (suffix === "") return "Enter a suffix: the role's name is made with it.";
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

/** A key as a policy's resource: what would be a pattern or a variable there is meant as it stands. */
function literalKey(key: string): string {
  return key.replace(/\$(?=\{)|[*?]/g, (sign) => `\${${sign}}`);
}
