/** The network of a job. ``vpc`` filters the lists and is not sent: the API knows only subnets and groups. */
export interface VpcValue {
  readonly vpc: string;
  readonly subnets: readonly string[];
  readonly groups: readonly string[];
  /** The tenancy of the chosen VPC, if it could be read. */
  readonly tenancy?: string | undefined;
}

export interface VpcErrors {
  readonly vpc?: string | undefined;
  readonly subnets?: string | undefined;
  readonly groups?: string | undefined;
}

export const NO_VPC: VpcValue = { vpc: "", subnets: [], groups: [] };
export const MOST_SUBNETS = 16;
export const MOST_GROUPS = 5;
const ID = /^[-0-9a-zA-Z]{1,32}$/;

/** The actions that the role of a job in a VPC needs. */
export const NETWORK_ACTIONS: readonly string[] = [
  "ec2:CreateNetworkInterface",
  "ec2:CreateNetworkInterfacePermission",
  "ec2:DeleteNetworkInterface",
  "ec2:DeleteNetworkInterfacePermission",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeVpcs",
  "ec2:DescribeDhcpOptions",
  "ec2:DescribeSubnets",
  "ec2:DescribeSecurityGroups",
];

/** Whether any part of a network is set, even an incomplete one. */
export function hasVpc(value: VpcValue): boolean {
  return value.vpc !== "" || value.subnets.length > 0 || value.groups.length > 0;
}

/** What is wrong with a network, by field; empty if it is valid. */
export function validateVpc(value: VpcValue): VpcErrors {
  if (!hasVpc(value)) return {};
  return {
    ...(value.tenancy === "dedicated" && {
      vpc: `${value.vpc} has dedicated tenancy. Jobs run only in a VPC of default tenancy: choose another one.`,
    }),
    ...problem("subnets", idsProblem(value.subnets, "subnet", MOST_SUBNETS)),
    ...problem("groups", idsProblem(value.groups, "security group", MOST_GROUPS)),
  };
}

/** The VpcConfig of a request; undefined without a network. */
export function vpcConfig(value: VpcValue): { Subnets: string[]; SecurityGroupIds: string[] } | undefined {
  return hasVpc(value) ? { Subnets: [...value.subnets], SecurityGroupIds: [...value.groups] } : undefined;
}

/** The tag that takes the place of a VpcConfig for the kinds of jobs that have none. */
export const VPC_TAG = "reading-room:vpc";
const TAG_VALUE_LENGTH = 256;

/** The value of the tag for a network. */
export function tagOfNetwork(value: VpcValue): string {
  return [...value.subnets, ...value.groups].join(" ");
}

/** The network that a tag's value names; undefined without a tag. */
export function networkOfTag(value: string | undefined): { Subnets: string[]; SecurityGroupIds: string[] } | undefined {
  if (value === undefined) return undefined;
  const ids = splitIds(value);
  return {
    Subnets: ids.filter((id) => id.startsWith("subnet-")),
    SecurityGroupIds: ids.filter((id) => id.startsWith("sg-")),
  };
}

/** What is wrong with a network that a tag has to name; empty if it is valid. */
export function validateTaggedVpc(value: VpcValue): VpcErrors {
  const found = validateVpc(value);
  if (Object.keys(found).length > 0 || tagOfNetwork(value).length <= TAG_VALUE_LENGTH) return found;
  return { subnets: `Remove some: a tag names the network of such a job, and has room for about ten ids.` };
}

/** The form's values for a VpcConfig of an answer. The VPC is found from the subnets later. */
export function fromVpcConfig(config: { Subnets?: string[]; SecurityGroupIds?: string[] } | undefined): VpcValue {
  return { vpc: "", subnets: config?.Subnets ?? [], groups: config?.SecurityGroupIds ?? [] };
}

/** The network in the address, from the form for a private VPC; undefined if there is none. */
export function fromParameters(parameters: URLSearchParams): VpcValue | undefined {
  const subnets = parameters.get("subnets");
  if (subnets === null) return undefined;
  return {
    vpc: parameters.get("vpc") ?? "",
    subnets: splitIds(subnets),
    groups: splitIds(parameters.get("groups") ?? ""),
  };
}

/** Split typed text into ids, at commas and white space. */
export function splitIds(text: string): string[] {
  return text.split(/[\s,]+/).filter((id) => id !== "");
}

function problem(field: "subnets" | "groups", text: string | undefined): VpcErrors {
  return text === undefined ? {} : { [field]: text };
}

function idsProblem(ids: readonly string[], noun: string, most: number): string | undefined {
  if (ids.length === 0) return `Choose at least one ${noun}, or clear the VPC.`;
  if (ids.length > most) return `Remove ${ids.length - most}: a job takes at most ${most} ${noun}s.`;
  const wrong = ids.find((id) => !ID.test(id));
  if (wrong !== undefined) {
    return `${JSON.stringify(wrong)} is not the id of a ${noun}: ids have 1 to 32 letters, digits and hyphens.`;
  }
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  return twice === undefined ? undefined : `${twice} occurs twice: remove one.`;
}
