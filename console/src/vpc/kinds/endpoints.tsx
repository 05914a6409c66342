import { DeleteVpcEndpointsCommand, type VpcEndpoint } from "@aws-sdk/client-ec2";
import { endpoints } from "../data/reads";
import { refuseUnsuccessful } from "../data/unsuccessful";
import { CreateEndpoint } from "../forms/CreateEndpoint";
import { EditEndpoint } from "../forms/EditEndpoint";
import { IdLink, IdLinks } from "../IdLink";
import { InterfacesPanel } from "../panels/InterfacesPanel";
import { PolicyPanel } from "../panels/PolicyPanel";
import type { Kind } from "./kind";

const isGateway = (endpoint: VpcEndpoint): boolean => endpoint.VpcEndpointType === "Gateway";

export const ENDPOINTS: Kind<VpcEndpoint> = {
  path: "/vpc/endpoints",
  title: "Endpoints",
  noun: "endpoint",
  idPrefix: "vpce-",
  read: endpoints,
  idOf: (endpoint) => endpoint.VpcEndpointId ?? "",
  tagsOf: (endpoint) => endpoint.Tags,
  columns: [
    {
      id: "service",
      header: "Service",
      cell: (endpoint) => endpoint.ServiceName,
      value: (endpoint) => endpoint.ServiceName,
    },
    {
      id: "type",
      header: "Type",
      cell: (endpoint) => endpoint.VpcEndpointType,
      value: (endpoint) => endpoint.VpcEndpointType,
    },
    {
      id: "vpc",
      header: "VPC",
      cell: (endpoint) => <IdLink id={endpoint.VpcId} />,
      value: (endpoint) => endpoint.VpcId,
    },
    { id: "state", header: "State", cell: (endpoint) => endpoint.State, value: (endpoint) => endpoint.State },
  ],
  details: (endpoint) => [
    { label: "Service", value: endpoint.ServiceName },
    { label: "Type", value: endpoint.VpcEndpointType },
    { label: "State", value: endpoint.State },
    { label: "VPC", value: <IdLink id={endpoint.VpcId} /> },
    ...(isGateway(endpoint)
      ? [{ label: "Route tables", value: <IdLinks ids={endpoint.RouteTableIds} /> }]
      : [
          { label: "Subnets", value: <IdLinks ids={endpoint.SubnetIds} /> },
          { label: "Security groups", value: <IdLinks ids={endpoint.Groups?.map((group) => group.GroupId)} /> },
          { label: "Private DNS", value: endpoint.PrivateDnsEnabled ? "on" : "off" },
          {
            label: "Names",
            value: endpoint.DnsEntries?.map((entry) => <div key={entry.DnsName}>{entry.DnsName}</div>),
          },
        ]),
  ],
  empty: "An endpoint connects a VPC to a service without the internet. Jobs need the gateway endpoint of S3.",
  create: { label: "Create endpoint", Form: CreateEndpoint },
  remove: {
    act: async (ec2, endpoint) => {
      const ids = [endpoint.VpcEndpointId ?? ""];
      refuseUnsuccessful((await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: ids }))).Unsuccessful);
    },
    warning: "Its routes or interfaces are deleted with it; connections through it break.",
  },
  Actions: EditEndpoint,
  panels: [
    PolicyPanel,
    ({ item }) =>
      isGateway(item) ? null : (
        <InterfacesPanel of={(each) => item.NetworkInterfaceIds?.includes(each.NetworkInterfaceId ?? "") ?? false} />
      ),
  ],
};
