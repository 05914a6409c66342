import type { Explanation, PathComponent } from "@aws-sdk/client-ec2";
import { nounOf } from "../ids";

/** A hop of a packet's path, in words. */
export interface HopText {
  readonly id: string;
  readonly what: string;
  /** The rule or route that decided here. */
  readonly decision: string;
  /** The deciding rule's id, if the analysis has it. */
  readonly rule?: string | undefined;
}

/** Describe a hop: what it is, and which of its rules decided. */
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
    const way = rule.Direction === "egress" ? "allows traffic to" : "allows traffic from";
    return `Its rule ${way} ${peer} (${rule.Protocol ?? "all"}${ports}).`;
  }
  if (route !== undefined) {
    const to = route.DestinationCidr ?? route.DestinationPrefixListId ?? "the destination";
    const target = route.GatewayId ?? route.NatGatewayId ?? route.NetworkInterfaceId ?? "its target";
    return `Its route for ${to} leads to ${target}.`;
  }
  if (acl !== undefined) return `Rule ${acl.RuleNumber} of the default list allows everything.`;
  const before = component.InboundHeader;
  const behind = component.OutboundHeader;
  const changed = behind?.SourceAddresses?.[0] ?? behind?.DestinationAddresses?.[0];
  if (before !== undefined && changed !== undefined) return `It changes the address to ${host(changed)}.`;
  if (before !== undefined) return `The packet arrives for ${host(before.DestinationAddresses?.[0])}.`;
  if (behind !== undefined)
    return `The packet leaves from ${host(behind.SourceAddresses?.[0])} to ${host(behind.DestinationAddresses?.[0])}.`;
  return "It is allowed.";
}

function host(address: string | undefined): string {
  return address?.replace(/\/32$/, "") ?? "an address";
}

/** Why there is no path: a sentence, what to do, and the resource to change. */
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
              `No rule of ${groups.join(", ")} allows this packet out of ${eni}.`,
              "Add an outbound rule to one of the groups.",
            ]
          : [
              `No rule of ${groups.join(", ")} allows this packet in to ${eni}.`,
              "Add an inbound rule to one of the groups.",
            ];
      case "NO_ROUTE_TO_DESTINATION":
        return [
          `${id(explanation.RouteTable)} has no route to the destination.`,
          "Add a route; for S3, associate the table with the gateway endpoint.",
        ];
      case "BAD_STATE_ROUTE":
        return [
          `The route for ${to} is a blackhole: its target does not exist any more.`,
          "Delete the route, or choose another target.",
        ];
      case "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS":
        return [
          `The sender has no public address, so ${gateway} accepts nothing from it.`,
          "Associate an Elastic IP address, or send through a NAT gateway.",
        ];
      case "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS":
        return [`${address} is not the public address of an attached interface.`, "Choose a public address in use."];
      case "GATEWAY_REJECTS_SPOOFED_TRAFFIC":
        return [`${address} cannot be the address of a sender outside.`, "Choose another source."];
      case "ENI_SOURCE_DEST_CHECK_RESTRICTION":
        return [
          `${eni} accepts only packets for and from its own addresses; ${address} is not one of them.`,
          "Make a gateway the route's target instead.",
        ];
      case "ENI_ADDRESS_RESTRICTION":
        return [
          `The packet arrives for an address other than ${address}.`,
          "Choose the address that the destination has.",
        ];
      case "VPCE_GATEWAY_PROTOCOL_RESTRICTION":
      case "PROTOCOL_RESTRICTION":
        return [`${endpoint} accepts only TCP to the ports 80 and 443.`, "Choose port 443."];
      case "NGW_SOURCE_ADDRESS_REASSIGN":
        return [`${id(explanation.NatGateway)} replaces the source address.`, "Leave the source address open."];
      case "REMAP_EPHEMERAL_PORT":
        return [`${id(explanation.NatGateway)} replaces the source port.`, "Leave the source port open."];
      case "COMPONENT_FILTER_RESTRICTION":
        return ["The path contains what it must not, or lacks what it must contain.", "Remove that condition."];
      case "BAD_STATE_ATTACHMENT":
        return [`${eni} is not attached to anything.`, "Try while its job runs."];
      case "NO_POSSIBLE_DESTINATION":
        return [
          `Nothing that this VPC can reach has the address ${address}.`,
          "Check the address and the VPC of the source.",
        ];
      default:
        return [`The analysis gives the code ${code}${route ? ` for the route to ${to} through ${target}` : ""}.`, ""];
    }
  }
}
