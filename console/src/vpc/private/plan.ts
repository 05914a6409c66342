import { bucketNameProblem } from "../../create/newBucket";
import { blockProblem, freeBlocks, parseCidr } from "../cidr";

/** The values of the form. */
export interface PrivateVpc {
  readonly name: string;
  readonly cidr: string;
  readonly subnets: number;
  readonly buckets: readonly string[];
  /** Whether the endpoint allows only this account's keys, and only access to the buckets. */
  readonly closed: boolean;
  readonly flowLog: boolean;
  readonly logGroup: string;
  readonly roleName: string;
  /** Services that get an interface endpoint, by their full names. */
  readonly services: readonly string[];
}

export const MOST_SUBNETS = 6;

/** An existing VPC: a new one must not have the same name or overlapping blocks. */
interface ExistingVpc {
  readonly name: string | undefined;
  readonly blocks: readonly string[];
}

const NAME = "private";

/** The default name and block of a new private VPC: the first that no other VPC has. */
export function firstFree(existing: readonly ExistingVpc[]): { name: string; cidr: string } {
  const names = new Set(existing.map(({ name }) => name?.trim().toLowerCase()));
  let number = 1;
  while (names.has(nameOf(number))) number += 1;
  const taken = existing.flatMap(({ blocks }) => blocks);
  return { name: nameOf(number), cidr: freeBlocks("10.0.0.0/8", 16, 1, taken)[0] ?? "10.0.0.0/16" };
}

function nameOf(number: number): string {
  return number === 1 ? NAME : `${NAME}-${number}`;
}

/** The values of the form, with default names that follow the name of the VPC. */
export function completed(
  first: Pick<PrivateVpc, "name" | "cidr"> & Partial<Pick<PrivateVpc, "buckets">>,
  chosen: Partial<PrivateVpc>,
): PrivateVpc {
  const name = chosen.name ?? first.name;
  const slug = slugOf(name);
  return {
    subnets: 2,
    buckets: [],
    closed: true,
    flowLog: true,
    services: [],
    logGroup: `/vpc/${slug}`,
    roleName: `${slug}-flow-logs`,
    ...first,
    ...chosen,
  };
}

function slugOf(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
}

/** The blocks of the subnets: as large as they fit in the VPC's block, from /28 to /24. */
export function subnetBlocks(cidr: string, count: number): string[] {
  const block = parseCidr(cidr);
  if (block === undefined) return [];
  const room = block.bits + Math.ceil(Math.log2(Math.max(1, count)));
  const bits = Math.min(28, Math.max(24, room));
  return freeBlocks(cidr, bits, count);
}

export type Problems = Partial<Record<keyof PrivateVpc, string>>;

/** What is wrong with the form, by field. */
export function planProblems(wanted: PrivateVpc): Problems {
  const problems: Problems = {};
  const block = blockProblem(wanted.cidr);
  if (wanted.name.trim() === "") problems.name = "Enter a name: everything that is created is named after it.";
  if (block !== undefined) problems.cidr = block;
  else if (subnetBlocks(wanted.cidr, wanted.subnets).length < wanted.subnets)
    problems.subnets = "The block is too small for this many subnets. Choose a larger block or fewer subnets.";
  if (wanted.closed && wanted.buckets.length === 0)
    problems.buckets = "Enter the buckets that jobs read and write, or leave the endpoint open.";
  const wrong = wanted.buckets.find((bucket) => bucketNameProblem(bucket) !== undefined);
  if (wrong !== undefined) problems.buckets = `${wrong} is not the name of a bucket.`;
  if (wanted.flowLog && wanted.logGroup.trim() === "") problems.logGroup = "Enter the log group for the records.";
  if (wanted.flowLog && !/^[\w+=,.@-]{1,64}$/.test(wanted.roleName))
    problems.roleName = "A role's name has up to 64 letters, digits and + = , . @ _ -.";
  return problems;
}

/** What will be created, in order, as sentences. */
export function planSentences(wanted: PrivateVpc): string[] {
  const services = wanted.services.map((service) => service.split(".").at(-1));
  return [
    `A VPC with the block ${wanted.cidr}.`,
    `${wanted.subnets === 1 ? "A subnet" : `${wanted.subnets} subnets`}: ${subnetBlocks(wanted.cidr, wanted.subnets).join(", ")}. They use the VPC's main route table.`,
    wanted.closed
      ? `A gateway endpoint of S3 for keys of this account only, to ${wanted.buckets.join(", ") || "the buckets"}, and to this account's custom models.`
      : "A gateway endpoint of S3 that allows everything.",
    "A security group: its members can reach each other on TCP 8786 to 8788, and S3's prefix list on TCP 443. Nothing else is allowed.",
    ...(wanted.services.length > 0
      ? [
          `Interface endpoints of ${services.join(", ")}, with their own security group, which allows TCP 443 from the jobs.`,
        ]
      : []),
    ...(wanted.flowLog
      ? [
          `A flow log of all traffic to the log group ${wanted.logGroup}, and the role ${wanted.roleName} that delivers it.`,
        ]
      : []),
  ];
}

/** The address that returns to the previous form with the new ids; undefined for addresses outside the console. */
export function returnAddress(
  back: string | null,
  made: { readonly vpc: string; readonly subnets: readonly string[]; readonly groups: readonly string[] },
): string | undefined {
  if (back === null || !/^\/[a-z]/.test(back)) return undefined;
  const url = new URL(back, "http://console.invalid");
  url.searchParams.set("vpc", made.vpc);
  url.searchParams.set("subnets", made.subnets.join(","));
  url.searchParams.set("groups", made.groups.join(","));
  return `${url.pathname}${url.search}`;
}
