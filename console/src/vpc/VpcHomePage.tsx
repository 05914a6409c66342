import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatNumber } from "../components/format";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { useWorld } from "./data/world";
import { jobOf } from "./jobs";

/** The start page of the network: what exists, and what a private VPC is. */
export default function VpcHomePage() {
  const { world, isPending, error } = useWorld();
  const jobs = world.interfaces.filter((each) => jobOf(each.Description) !== undefined);
  const gateways = world.internetGateways.length + world.natGateways.length;
  const counts: readonly (readonly [string, string, number])[] = [
    ["VPCs", "/vpc/vpcs", world.vpcs.length],
    ["Subnets", "/vpc/subnets", world.subnets.length],
    ["Route tables", "/vpc/route-tables", world.routeTables.length],
    ["Security groups", "/vpc/security-groups", world.groups.length],
    ["Endpoints", "/vpc/endpoints", world.endpoints.length],
    ["Network interfaces", "/vpc/interfaces", world.interfaces.length],
    ["Interfaces of jobs", "/vpc/interfaces", jobs.length],
    ["Gateways", "/vpc/gateways", gateways],
    ["Flow logs", "/vpc/flow-logs", world.flowLogs.length],
  ];
  return (
    <Page
      title="VPC"
      description="The networks that jobs run in, enforced by the kernel of this machine."
      actions={
        <RouterButton variant="primary" to="/vpc/create">
          Build a private VPC for jobs
        </RouterButton>
      }
    >
      {error !== undefined && <ErrorAlert what="Not everything can be counted" error={error} />}
      <Container header={<Header variant="h2">Resources</Header>}>
        <KeyValuePairs
          columns={4}
          items={counts.map(([label, to, count]) => ({
            label,
            value: (
              <RouterLink to={to} ariaLabel={`${label}: ${count}`}>
                {isPending ? "…" : formatNumber(count)}
              </RouterLink>
            ),
          }))}
        />
      </Container>
      <Container header={<Header variant="h2">What a private VPC is</Header>}>
        <ColumnLayout columns={2} variant="text-grid">
          <Box variant="p">
            A job that runs in a VPC has network interfaces in your subnets, with your security groups, and nothing
            else. It reaches S3 only through the endpoint in the subnet's route table, and only as far as the endpoint's
            policy allows. Without an internet gateway there is no way out.
          </Box>
          <Box variant="p">
            Flow logs record all traffic, accepted or rejected. The <RouterLink to="/vpc/map">resource map</RouterLink>{" "}
            shows what is connected, <RouterLink to="/vpc/reachability">reachability</RouterLink> says what reaches what
            and which rule decides, and <RouterLink to="/vpc/flow-records">flow records</RouterLink> show what really
            happened.
          </Box>
        </ColumnLayout>
      </Container>
      <Container header={<Header variant="h2">Less often needed</Header>}>
        <RouterLink to="/vpc/prefix-lists">Prefix lists</RouterLink>
        {" · "}
        <RouterLink to="/vpc/dhcp-options">DHCP option sets</RouterLink>
      </Container>
    </Page>
  );
}
