import type { World } from "./data/world";

export interface Dependent {
  readonly id: string;
  /** How it uses the resource: "is in it". */
  readonly why: string;
}

/** What prevents the deletion of a resource, according to EC2's answers about all others. */
export function dependentsOf(id: string, world: World): Dependent[] {
  const found: Dependent[] = [];
  const add = (other: string | undefined, why: string): void => {
    if (other !== undefined && other !== id) found.push({ id: other, why });
  };
  for (const one of world.interfaces) {
    const owner = one.RequesterManaged ? " (it belongs to a service and is deleted with it)" : "";
    if (one.SubnetId === id) add(one.NetworkInterfaceId, `is in it${owner}`);
    if (one.Groups?.some((group) => group.GroupId === id)) add(one.NetworkInterfaceId, `has it${owner}`);
    if (id.startsWith("eni-") && one.NetworkInterfaceId === id && one.Status === "in-use")
      found.push({ id, why: "is attached: what it is attached to must be deleted first" });
  }
  for (const rule of world.rules)
    if (rule.ReferencedGroupInfo?.GroupId === id || rule.PrefixListId === id)
      add(rule.GroupId, `has a rule that refers to it (${rule.SecurityGroupRuleId})`);
  for (const table of world.routeTables) {
    if (table.RouteTableId === id)
      for (const association of table.Associations ?? []) add(association.SubnetId, "uses it as its route table");
    if (
      id.startsWith("pl-") &&
      table.Routes?.some((route) => route.DestinationPrefixListId === id && !route.GatewayId?.startsWith("vpce-"))
    )
      add(table.RouteTableId, "has a route to it");
    if (table.VpcId === id && !table.Associations?.some((association) => association.Main))
      add(table.RouteTableId, "is a route table of it");
  }
  for (const gateway of world.internetGateways) {
    if (gateway.Attachments?.some((attachment) => attachment.VpcId === id))
      add(gateway.InternetGatewayId, "is attached to it: detach it");
    if (gateway.InternetGatewayId === id)
      for (const attachment of gateway.Attachments ?? []) add(attachment.VpcId, "is attached to it: detach it");
  }
  if (id.startsWith("vpc-")) {
    for (const subnet of world.subnets) if (subnet.VpcId === id) add(subnet.SubnetId, "is a subnet of it");
    for (const group of world.groups)
      if (group.VpcId === id && group.GroupName !== "default") add(group.GroupId, "is a security group of it");
    for (const endpoint of world.endpoints)
      if (endpoint.VpcId === id) add(endpoint.VpcEndpointId, "is an endpoint of it");
    for (const nat of world.natGateways)
      if (nat.VpcId === id && isThere(nat.State)) add(nat.NatGatewayId, "is a NAT gateway of it");
  }
  for (const address of world.addresses)
    if (address.AllocationId === id && address.AssociationId !== undefined)
      add(address.NetworkInterfaceId, "has this address: disassociate it");
  return found;
}

function isThere(state: string | undefined): boolean {
  return state !== "deleted" && state !== "deleting" && state !== "failed";
}
