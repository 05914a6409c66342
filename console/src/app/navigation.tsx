import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import { useLocation, useNavigate } from "react-router";

const link = (text: string, href: string): SideNavigationProps.Link => ({ type: "link", text, href });

const ITEMS: SideNavigationProps.Item[] = [
  {
    type: "section",
    text: "Analysis",
    items: [
      link("Analysis jobs", "/jobs"),
      link("Create job", "/jobs/create"),
      link("Analyze in several ways", "/jobs/create-several"),
      link("Real-time analysis", "/analyze"),
      link("Custom models", "/models"),
      link("Flywheels", "/flywheels"),
      link("Model endpoints", "/model-endpoints"),
      link("Recall profiles", "/pii-profiles"),
      link("State events", "/state-events"),
    ],
  },
  {
    type: "section",
    text: "VPC",
    items: [
      link("Overview", "/vpc"),
      link("Resource map", "/vpc/map"),
      link("Reachability", "/vpc/reachability"),
      link("Flow records", "/vpc/flow-records"),
      link("VPCs", "/vpc/vpcs"),
      link("Subnets", "/vpc/subnets"),
      link("Route tables", "/vpc/route-tables"),
      link("Security groups", "/vpc/security-groups"),
      link("Endpoints", "/vpc/endpoints"),
      link("Network interfaces", "/vpc/interfaces"),
      link("Gateways", "/vpc/gateways"),
      link("Flow logs", "/vpc/flow-logs"),
      link("Prefix lists", "/vpc/prefix-lists"),
      link("DHCP options", "/vpc/dhcp-options"),
    ],
  },
  {
    type: "section",
    text: "Access",
    items: [
      link("Overview", "/access"),
      link("Users", "/access/users"),
      link("Groups", "/access/groups"),
      link("Roles", "/access/roles"),
      link("Policies", "/access/policies"),
      link("Policy simulator", "/access/simulator"),
      link("Explain a denial", "/access/explain"),
      link("Trail", "/access/trail"),
    ],
  },
  { type: "section", text: "Storage", items: [link("Buckets", "/s3"), link("Usage", "/usage")] },
];

const HREFS = ITEMS.flatMap((item) => ("items" in item ? item.items : [item])).flatMap((item) =>
  item.type === "link" ? [item.href] : [],
);

export function Navigation() {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  return (
    <SideNavigation
      header={{ text: "Reading Room", href: "/" }}
      items={ITEMS}
      activeHref={activeHref(pathname)}
      onFollow={(event) => {
        event.preventDefault();
        navigate(event.detail.href);
      }}
    />
  );
}

/** The navigation entry that a page belongs to: the longest one that the page's path begins with. */
function activeHref(pathname: string): string {
  const fitting = HREFS.filter((href) => pathname === href || pathname.startsWith(`${href}/`));
  return fitting.sort((one, other) => other.length - one.length)[0] ?? "/";
}
