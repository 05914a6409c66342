import { bucketNameProblem } from "../../create/newBucket";
import { blockProblem, freeBlocks, parseCidr } from "../cidr";

/** What the form asks for. */
export interface PrivateVpc {
  readonly name: string;
  readonly cidr: string;
  readonly subnets: number;
  readonly buckets: readonly string[];
  /** Whether the endpoint takes only this account's keys, and only to the buckets. */
  readonly closed: boolean;
  readonly flowLog: boolean;
  readonly logGroup: string;
  readonly roleName: string;
  /** Services that get an interface endpoint, by their full names. */
  readonly services: readonly string[];
}

export const MOST_SUBNETS = 6;

/** What EC2 tells of a VPC that is there: its name and its blocks must not be taken for those of a new one. */
interface ExistingVpc {
  readonly name: string | undefined;
  readonly blocks: readonly string[];
}

const NAME = "private";

/** The name and the block that a new private VPC begins with: the first that no other VPC has. */
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

/** The form as it is filled in: names that nobody chose follow the name of the whole. */
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

/** The blocks of the subnets: as large as the VPC has room for, /24 at most, and at least /28. */
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
  if (wanted.name.trim() === "") problems.name = "Give it a name: everything that is made is called after it.";
  if (block !== undefined) problems.cidr = block;
  else if (subnetBlocks(wanted.cidr, wanted.subnets).length < wanted.subnets)
    problems.subnets = "The block has no room for so many subnets. Choose a larger block or fewer subnets.";
  if (wanted.closed && wanted.buckets.length === 0)
    problems.buckets = "Name the buckets that jobs read from and write to, or leave the endpoint open.";
  const wrong = wanted.buckets.find((bucket) => bucketNameProblem(bucket) !== undefined);
  if (wrong !== undefined) problems.buckets = `${wrong} is no bucket's name.`;
  if (wanted.flowLog && wanted.logGroup.trim() === "") problems.logGroup = "Name the log group for the records.";
  if (wanted.flowLog && !/^[\w+=,.@-]{1,64}$/.test(wanted.roleName))
    problems.roleName = "A role's name has up to 64 letters, digits and + = , . @ _ -.";
  return problems;
}

/** What will be made, in the order in which it is made, as sentences. */
export function planSentences(wanted: PrivateVpc): string[] {
  const services = wanted.services.map((service) => service.split(".").at(-1));
  return [
    `A VPC with the block ${wanted.cidr}.`,
    `${wanted.subnets === 1 ? "A subnet" : `${wanted.subnets} subnets`}: ${subnetBlocks(wanted.cidr, wanted.subnets).join(", ")}. They use the VPC's main route table.`,
    wanted.closed
      ? `A gateway endpoint of S3 for keys of this account only, to ${wanted.buckets.join(", ") || "the buckets"}, and to this account's custom models.`
      : "A gateway endpoint of S3 that lets everything pass.",
    "A security group: its members reach each other on TCP 8786 to 8788, and S3's prefix list on TCP 443. Nothing else passes.",
    ...(wanted.services.length > 0
      ? [
          `Interface endpoints of ${services.join(", ")}, with a security group of their own that lets TCP 443 in from the jobs.`,
        ]
      : []),
    ...(wanted.flowLog
      ? [
          `A flow log of every packet to the log group ${wanted.logGroup}, and the role ${wanted.roleName} that delivers it.`,
        ]
      : []),
  ];
}

/** Where a form that was left for this one goes on, with what was made; nothing for addresses outside the console. */
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
