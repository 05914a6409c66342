import type { DescribedTag } from "../components/tags/tags";

/** The kinds of network resources by the prefix of their ids, with the page and the name of each. */
const PLACES: readonly (readonly [prefix: string, path: string, noun: string])[] = [
  ["vpc-", "/vpc/vpcs", "VPC"],
  ["subnet-", "/vpc/subnets", "subnet"],
  ["rtb-", "/vpc/route-tables", "route table"],
  ["sg-", "/vpc/security-groups", "security group"],
  ["vpce-", "/vpc/endpoints", "endpoint"],
  ["eni-", "/vpc/interfaces", "network interface"],
  ["igw-", "/vpc/gateways", "internet gateway"],
  ["nat-", "/vpc/gateways", "NAT gateway"],
  ["eipalloc-", "/vpc/gateways", "Elastic IP address"],
  ["fl-", "/vpc/flow-logs", "flow log"],
  ["pl-", "/vpc/prefix-lists", "prefix list"],
  ["dopt-", "/vpc/dhcp-options", "DHCP option set"],
];

const ID = /^[a-z]+-[0-9a-f]{8,17}$/;

/** The console's page of a resource; undefined for resources without one, and for text that is not an id. */
export function pathOf(id: string): string | undefined {
  if (!ID.test(id)) return undefined;
  const place = PLACES.find(([prefix]) => id.startsWith(prefix));
  return place && `${place[1]}/${id}`;
}

/** The name for the resource of an id: "subnet". */
export function nounOf(id: string): string {
  return PLACES.find(([prefix]) => id.startsWith(prefix))?.[2] ?? "resource";
}

/** The value of the tag Name, which AWS's consoles show as a resource's name. */
export function nameOf(tags: readonly DescribedTag[] | undefined): string | undefined {
  return tags?.find((tag) => tag.Key === "Name")?.Value || undefined;
}

/** An id with the name from its tags: "subnet-0abc (readers)". */
export function labelOf(id: string | undefined, tags: readonly DescribedTag[] | undefined): string {
  const name = nameOf(tags);
  return name === undefined ? (id ?? "-") : `${id ?? "-"} (${name})`;
}

/** The part of a request that names the new resource; undefined without a name. */
export function nameTag<Type>(
  type: Type,
  name: string,
): { ResourceType: Type; Tags: { Key: string; Value: string }[] }[] {
  return name.trim() === "" ? [] : [{ ResourceType: type, Tags: [{ Key: "Name", Value: name.trim() }] }];
}
