import { DHCP_OPTIONS } from "./dhcpOptions";
import { ENDPOINTS } from "./endpoints";
import { FLOW_LOGS } from "./flowLogs";
import { ADDRESSES, INTERNET_GATEWAYS, NAT_GATEWAYS } from "./gateways";
import { INTERFACES } from "./interfaces";
import type { KindPages } from "./kind";
import { pagesOf } from "./pagesOf";
import { PREFIX_LISTS } from "./prefixLists";
import { ROUTE_TABLES } from "./routeTables";
import { SECURITY_GROUPS } from "./securityGroups";
import { SUBNETS } from "./subnets";
import { VPCS } from "./vpcs";

interface Section {
  readonly title: string;
  readonly kinds: readonly KindPages[];
}

/** The pages of resources, by their part of the path: /vpc/TYPE. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  vpcs: { title: "VPCs", kinds: [pagesOf(VPCS)] },
  subnets: { title: "Subnets", kinds: [pagesOf(SUBNETS)] },
  "route-tables": { title: "Route tables", kinds: [pagesOf(ROUTE_TABLES)] },
  "security-groups": { title: "Security groups", kinds: [pagesOf(SECURITY_GROUPS)] },
  endpoints: { title: "Endpoints", kinds: [pagesOf(ENDPOINTS)] },
  interfaces: { title: "Network interfaces", kinds: [pagesOf(INTERFACES)] },
  gateways: { title: "Gateways", kinds: [pagesOf(INTERNET_GATEWAYS), pagesOf(NAT_GATEWAYS), pagesOf(ADDRESSES)] },
  "flow-logs": { title: "Flow logs", kinds: [pagesOf(FLOW_LOGS)] },
  "prefix-lists": { title: "Prefix lists", kinds: [pagesOf(PREFIX_LISTS)] },
  "dhcp-options": { title: "DHCP option sets", kinds: [pagesOf(DHCP_OPTIONS)] },
};
