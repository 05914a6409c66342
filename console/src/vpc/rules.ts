import type { IpPermission, SecurityGroupRule } from "@aws-sdk/client-ec2";
import { parseCidr } from "./cidr";

const PROTOCOLS: Readonly<Record<string, string>> = { "-1": "all", tcp: "TCP", udp: "UDP", icmp: "ICMP" };

export function protocolText(protocol: string | undefined): string {
  return PROTOCOLS[protocol ?? "-1"] ?? `protocol ${protocol}`;
}

/** The ports of a rule: "443", "1024-65535", "all". */
export function portsText(rule: Pick<SecurityGroupRule, "IpProtocol" | "FromPort" | "ToPort">): string {
  const { FromPort: from, ToPort: to } = rule;
  if (rule.IpProtocol === "-1" || from === undefined || from === -1) return "all";
  if (rule.IpProtocol === "icmp") return to === undefined || to === -1 ? `type ${from}` : `type ${from} code ${to}`;
  return from === to || to === undefined ? String(from) : `${from}-${to}`;
}

/** The peer of a rule: a network, a prefix list or a group. */
export function peerOf(rule: SecurityGroupRule): string {
  return rule.CidrIpv4 ?? rule.PrefixListId ?? rule.ReferencedGroupInfo?.GroupId ?? rule.CidrIpv6 ?? "-";
}

/** The values of the form for a rule, as text. */
export interface RuleDraft {
  readonly protocol: string;
  readonly ports: string;
  readonly peerKind: string;
  readonly cidr: string;
  readonly group: string;
  readonly list: string;
  readonly description: string;
}

interface Ports {
  readonly from: number;
  readonly to: number;
}

/** "443" or "1024-65535"; empty for every port. */
export function parsePorts(text: string): Ports | undefined {
  if (text.trim() === "") return { from: 0, to: 65535 };
  const match = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65535 ? { from, to } : undefined;
}

export function portsProblem(draft: Pick<RuleDraft, "protocol" | "ports">): string | undefined {
  if (draft.protocol !== "tcp" && draft.protocol !== "udp") return undefined;
  return parsePorts(draft.ports) === undefined ? "Enter a port (443) or a range (1024-65535), up to 65535." : undefined;
}

export function peerProblem(draft: Pick<RuleDraft, "cidr">): string | undefined {
  return parseCidr(draft.cidr) === undefined
    ? "Enter a network such as 10.0.0.0/16, or 0.0.0.0/0 for everybody."
    : undefined;
}

/** The rule of a draft, in the form of the API. */
export function permissionOf(draft: RuleDraft): IpPermission {
  const about = draft.description.trim() === "" ? {} : { Description: draft.description.trim() };
  const ports = parsePorts(draft.ports) ?? { from: 0, to: 65535 };
  return {
    IpProtocol: draft.protocol,
    ...((draft.protocol === "tcp" || draft.protocol === "udp") && { FromPort: ports.from, ToPort: ports.to }),
    ...(draft.protocol === "icmp" && { FromPort: -1, ToPort: -1 }),
    ...(draft.peerKind === "cidr" && { IpRanges: [{ CidrIp: draft.cidr.trim(), ...about }] }),
    ...(draft.peerKind === "group" && { UserIdGroupPairs: [{ GroupId: draft.group, ...about }] }),
    ...(draft.peerKind === "list" && { PrefixListIds: [{ PrefixListId: draft.list, ...about }] }),
  };
}

/** The ports on which the containers of a job communicate (docs/distributed.md). */
const CONTAINER_PORTS = { from: 8786, to: 8788 };

/** A rule of a group for itself, with just what a job of several containers needs. */
export function selfPermission(groupId: string): IpPermission {
  return {
    IpProtocol: "tcp",
    FromPort: CONTAINER_PORTS.from,
    ToPort: CONTAINER_PORTS.to,
    UserIdGroupPairs: [{ GroupId: groupId, Description: "Containers of one job reach each other" }],
  };
}

/** Whether a group's own members can reach each other on those ports, in both directions. */
export function allowsOwnMembers(groupId: string, rules: readonly SecurityGroupRule[]): boolean {
  const passes = (isEgress: boolean): boolean =>
    rules.some(
      (rule) =>
        rule.GroupId === groupId &&
        rule.IsEgress === isEgress &&
        (rule.ReferencedGroupInfo?.GroupId === groupId || rule.CidrIpv4 === "0.0.0.0/0") &&
        (rule.IpProtocol === "-1" ||
          (rule.IpProtocol === "tcp" &&
            (rule.FromPort ?? 0) <= CONTAINER_PORTS.from &&
            (rule.ToPort ?? -1) >= CONTAINER_PORTS.to)),
    );
  return passes(false) && passes(true);
}
