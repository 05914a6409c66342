import type { Explanation, PathComponent } from "@aws-sdk/client-ec2";
import { nounOf } from "../ids";

/** One station of a packet's way, in words. */
export interface HopText {
  readonly id: string;
  readonly what: string;
  /** What decided here: the rule or route. */
  readonly decision: string;
  /** The deciding rule's id, where the analysis tells it. */
  readonly rule?: string | undefined;
}

/** Say a station: what it is and which of its rules decided. */
export function hopText(component: PathComponent): HopText {
  const id = component.Component?.Id ?? "";
  const rule = component.AdditionalDetails?.find((each) => each.AdditionalDetailType === "SECURITY_GROUP_RULE");
  const what = id.startsWith("acl-") ? "network access list" : nounOf(id);
  return { id, what, decision: decisionOf(component), rule: rule?.Component?.Id };
}

function decisionOf(component: PathComponent): string {
  const { SecurityGroupRule: rule, RouteTableRoute: route, AclRule: acl } = component;
  if (rule !== undefined) {
    const peer = rule.Cidr ?? rule.PrefixListId ?? rule.SecurityGroupId ?? "its peer";
    const ports = rule.PortRange ? `, ports ${rule.PortRange.From} to ${rule.PortRange.To}` : "";
    const way = rule.Direction === "egress" ? "lets out to" : "lets in from";
    return `Its rule ${way} ${peer} (${rule.Protocol ?? "all"}${ports}).`;
  }
  if (route !== undefined) {
    const to = route.DestinationCidr ?? route.DestinationPrefixListId ?? "the destination";
    const target = route.GatewayId ?? route.NatGatewayId ?? route.NetworkInterfaceId ?? "its target";
    return `Its route for ${to} leads to ${target}.`;
  }
  if (acl !== undefined) return `Rule ${acl.RuleNumber} of the default list lets everything pass.`;
  const before = component.InboundHeader;
  const behind = component.OutboundHeader;
  const changed = behind?.SourceAddresses?.[0] ?? behind?.DestinationAddresses?.[0];
  if (before !== undefined && changed !== undefined) return `It changes the address to ${host(changed)}.`;
  if (before !== undefined) return `The packet arrives for ${host(before.DestinationAddresses?.[0])}.`;
  if (behind !== undefined)
    return `The packet leaves from ${host(behind.SourceAddresses?.[0])} to ${host(behind.DestinationAddresses?.[0])}.`;
  return "It passes.";
}

function host(address: string | undefined): string {
  return address?.replace(/\/32$/, "") ?? "an address";
}

/** Why there is no way: a sentence, what to do, and the resource whose page changes it. */
export interface ExplanationText {
  readonly code: string;
  readonly sentence: string;
  readonly advice: string;
  readonly ids: readonly string[];
}

export function explanationText(explanation: Explanation): ExplanationText {
  const code = explanation.ExplanationCode ?? "UNKNOWN";
  const id = (part: { readonly Id?: string | undefined } | undefined): string => part?.Id ?? "it";
  const groups = (explanation.SecurityGroups ?? [explanation.SecurityGroup]).flatMap((group) => group?.Id ?? []);
  const address = explanation.Address ?? "the address";
  const route = explanation.RouteTableRoute;
  const target = route?.GatewayId ?? route?.NatGatewayId ?? route?.NetworkInterfaceId ?? "its target";
  const to = route?.DestinationCidr ?? route?.DestinationPrefixListId ?? address;
  const gateway = id(explanation.InternetGateway);
  const endpoint = id(explanation.VpcEndpoint);
  const eni = id(explanation.NetworkInterface);
  const ids = [
    ...groups,
    ...[
      explanation.RouteTable,
      explanation.NetworkInterface,
      explanation.InternetGateway,
      explanation.NatGateway,
      explanation.VpcEndpoint,
    ].flatMap((part) => part?.Id ?? []),
  ];
  const [sentence, advice] = words();
  return { code, sentence, advice, ids: [...new Set(ids)] };

  function words(): readonly [string, string] {
    switch (code) {
      case "ENI_SG_RULES_MISMATCH":
        return explanation.Direction === "egress"
          ? [
              `No rule of ${groups.join(", ")} lets this packet out of ${eni}.`,
              "Add an outbound rule to one of the groups.",
            ]
          : [
              `No rule of ${groups.join(", ")} lets this packet in to ${eni}.`,
              "Add an inbound rule to one of the groups.",
            ];
      case "NO_ROUTE_TO_DESTINATION":
        return [
          `${id(explanation.RouteTable)} has no route that leads there.`,
          "Add a route; for S3, associate the table with the gateway endpoint.",
        ];
      case "BAD_STATE_ROUTE":
        return [`The route for ${to} is a blackhole: its target is gone.`, "Delete the route, or lead it elsewhere."];
      case "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS":
        return [
          `The sender has no public address, so ${gateway} takes nothing from it.`,
          "Associate an Elastic IP address, or send through a NAT gateway.",
        ];
      case "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS":
        return [`${address} is not the public address of an attached interface.`, "Ask about a public address in use."];
      case "GATEWAY_REJECTS_SPOOFED_TRAFFIC":
        return [`${address} cannot be the address of a sender outside.`, "Ask with another source."];
      case "ENI_SOURCE_DEST_CHECK_RESTRICTION":
        return [
          `${eni} takes only packets for and from its own addresses; ${address} is none.`,
          "Point the route to a gateway instead.",
        ];
      case "ENI_ADDRESS_RESTRICTION":
        return [
          `The packet arrives for another address than ${address}.`,
          "Ask about the address that the destination has.",
        ];
      case "VPCE_GATEWAY_PROTOCOL_RESTRICTION":
      case "PROTOCOL_RESTRICTION":
        return [`${endpoint} takes only TCP to the ports 80 and 443.`, "Ask with port 443."];
      case "NGW_SOURCE_ADDRESS_REASSIGN":
        return [`${id(explanation.NatGateway)} replaces the source address.`, "Leave the source address open."];
      case "REMAP_EPHEMERAL_PORT":
        return [`${id(explanation.NatGateway)} replaces the source port.`, "Leave the source port open."];
      case "COMPONENT_FILTER_RESTRICTION":
        return ["The way passes what it should not, or misses what it should pass.", "Ask without that condition."];
      case "BAD_STATE_ATTACHMENT":
        return [`${eni} is attached to nothing.`, "Ask while its job runs."];
      case "NO_POSSIBLE_DESTINATION":
        return [`Nobody has ${address}, as far as this VPC can reach.`, "Check the address and the VPC of the source."];
      default:
        return [`The analysis gives the code ${code}${route ? ` for the route to ${to} by ${target}` : ""}.`, ""];
    }
  }
}
