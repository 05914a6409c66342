import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateVpcEndpointCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
  ModifyVpcEndpointCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateRoleCommand,
  GetRoleCommand,
  type IAMClient,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { closedPolicy } from "../../vpc/policy/closed";

/** A call that adds what a check found missing, from CheckJob's answer. */
export interface Change {
  readonly Service: string;
  readonly Operation: string;
  /** JSON. */
  readonly Request: string;
  /** JSON: the statement to add to the existing policy. */
  readonly Statement?: string;
}

type Request = Readonly<Record<string, unknown>>;

/** The user's clients, and the buckets that a new endpoint gives access to. */
export interface Target {
  readonly ec2: EC2Client;
  readonly iam: IAMClient;
  readonly account: string;
  readonly region: string;
  readonly buckets: readonly string[];
}

interface Entry {
  readonly words: (request: Request) => string;
  readonly send: (request: never, target: Target) => Promise<unknown>;
}

/** Every call that this page makes for a check. It makes no others, even if the server suggests them. */
const ENTRIES: Readonly<Record<string, Entry>> = {
  "iam CreateRole": {
    words: ({ RoleName }) => `Create the role ${RoleName}, which Comprehend may assume for jobs of this account`,
    send: (request, { iam }) => iam.send(new CreateRoleCommand(request)),
  },
  "iam UpdateAssumeRolePolicy": {
    words: ({ RoleName }) => `Add a statement to the trust policy of the role ${RoleName}`,
    send: (request, { iam }) => iam.send(new UpdateAssumeRolePolicyCommand(request)),
  },
  "iam PutRolePolicy": {
    words: ({ RoleName, PolicyName }) => `Add the policy ${PolicyName} to the role ${RoleName}`,
    send: (request, { iam }) => iam.send(new PutRolePolicyCommand(request)),
  },
  "ec2 AuthorizeSecurityGroupEgress": {
    words: ({ GroupId }) => `Add an outbound rule to the security group ${GroupId}`,
    send: (request, { ec2 }) => ec2.send(new AuthorizeSecurityGroupEgressCommand(request)),
  },
  "ec2 AuthorizeSecurityGroupIngress": {
    words: ({ GroupId }) => `Add an inbound rule to the security group ${GroupId}`,
    send: (request, { ec2 }) => ec2.send(new AuthorizeSecurityGroupIngressCommand(request)),
  },
  "ec2 CreateVpcEndpoint": {
    words: ({ VpcId }) => `Create a gateway endpoint for S3 in ${VpcId}, with a route to it`,
    send: (request, { ec2 }) => ec2.send(new CreateVpcEndpointCommand(request)),
  },
  "ec2 ModifyVpcEndpoint": {
    words: ({ VpcEndpointId, AddRouteTableIds }) =>
      AddRouteTableIds === undefined
        ? `Add a statement to the policy of the endpoint ${VpcEndpointId}`
        : `Add a route to the endpoint ${VpcEndpointId} in ${String(AddRouteTableIds)}`,
    send: (request, { ec2 }) => ec2.send(new ModifyVpcEndpointCommand(request)),
  },
  "ec2 ModifyVpcAttribute": {
    words: ({ VpcId }) => `Turn on DNS support in ${VpcId}`,
    send: (request, { ec2 }) => ec2.send(new ModifyVpcAttributeCommand(request)),
  },
};

function entryOf({ Service, Operation }: Change): Entry | undefined {
  const name = `${Service} ${Operation}`;
  return Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined;
}

/** Whether this page knows how to make all of the changes. */
export function canAdd(changes: readonly Change[] | undefined): changes is readonly Change[] {
  return changes !== undefined && changes.length > 0 && changes.every((change) => entryOf(change) !== undefined);
}

/** What a change does and what it sends, for the user's confirmation. */
export function described(change: Change, target: Pick<Target, "account" | "region" | "buckets">) {
  const request = withPolicy(change, JSON.parse(change.Request) as Request, target);
  const shown = change.Statement === undefined ? request : JSON.parse(change.Statement);
  return { words: entryOf(change)?.words(request) ?? change.Operation, code: JSON.stringify(shown, undefined, 2) };
}

/** Make the changes, one after the other, with the user's own permissions. Throws the API's errors. */
export async function addMissing(changes: readonly Change[], target: Target): Promise<void> {
  for (const change of changes) {
    const entry = entryOf(change);
    if (entry === undefined) throw new Error(`The console does not know ${change.Service} ${change.Operation}.`);
    const request = withPolicy(change, JSON.parse(change.Request) as Request, target);
    const whole =
      change.Statement === undefined
        ? request
        : {
            ...request,
            PolicyDocument: withStatement(await policyThatIsThere(change, request, target), change.Statement),
          };
    await entry.send(whole as never, target);
  }
}

/** A new endpoint gives access to the job's own buckets and to no others. */
function withPolicy(
  { Operation }: Change,
  request: Request,
  { account, region, buckets }: Pick<Target, "account" | "region" | "buckets">,
): Request {
  if (Operation !== "CreateVpcEndpoint" || buckets.length === 0) return request;
  return { ...request, PolicyDocument: closedPolicy(account, buckets, region) };
}

async function policyThatIsThere({ Operation }: Change, request: Request, { ec2, iam }: Target): Promise<string> {
  if (Operation === "UpdateAssumeRolePolicy") {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: String(request["RoleName"]) }));
    return decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "");
  }
  const id = String(request["VpcEndpointId"]);
  const { VpcEndpoints } = await ec2.send(new DescribeVpcEndpointsCommand({ VpcEndpointIds: [id] }));
  return VpcEndpoints?.[0]?.PolicyDocument ?? "";
}

/** A policy with a statement added, unless it has it already. Throws if the text is not a policy. */
export function withStatement(policy: string, statement: string): string {
  const document = JSON.parse(policy) as { Statement?: unknown };
  const known = document.Statement === undefined ? [] : [document.Statement].flat();
  const added: unknown = JSON.parse(statement);
  const there = known.some((each) => JSON.stringify(each) === JSON.stringify(added));
  return JSON.stringify({ ...document, Statement: there ? known : [...known, added] });
}
