import {
  type Address,
  DeleteInternetGatewayCommand,
  DeleteNatGatewayCommand,
  type InternetGateway,
  type NatGateway,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { formatTime } from "../../components/format";
import { addresses, internetGateways, natGateways } from "../data/reads";
import { CreateAddress, CreateInternetGateway, CreateNatGateway } from "../forms/CreateGateways";
import { AddressActions, InternetGatewayActions } from "../forms/GatewayActions";
import { IdLink, IdLinks } from "../IdLink";
import type { Kind } from "./kind";

const vpcOf = (gateway: InternetGateway): string | undefined => gateway.Attachments?.[0]?.VpcId;

export const INTERNET_GATEWAYS: Kind<InternetGateway> = {
  path: "/vpc/gateways",
  title: "Internet gateways",
  noun: "internet gateway",
  idPrefix: "igw-",
  read: internetGateways,
  idOf: (gateway) => gateway.InternetGatewayId ?? "",
  tagsOf: (gateway) => gateway.Tags,
  columns: [{ id: "vpc", header: "VPC", cell: (gateway) => <IdLink id={vpcOf(gateway)} />, value: vpcOf }],
  details: (gateway) => [
    { label: "VPC", value: <IdLink id={vpcOf(gateway)} /> },
    { label: "State", value: gateway.Attachments?.[0]?.State ?? "detached" },
    { label: "Owner", value: gateway.OwnerId },
  ],
  empty: "An internet gateway connects a VPC to the internet. A private VPC for jobs has none, so nothing leaves it.",
  create: { label: "Create internet gateway", Form: CreateInternetGateway },
  remove: {
    act: (ec2, gateway) => ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: gateway.InternetGatewayId })),
    warning: "Detach it first.",
  },
  Actions: InternetGatewayActions,
};

function NatState({ nat }: { readonly nat: NatGateway }) {
  const type = nat.State === "available" ? "success" : nat.State === "failed" ? "error" : "stopped";
  return (
    <StatusIndicator type={type}>
      {nat.State}
      {nat.FailureCode !== undefined && `: ${nat.FailureCode}. ${nat.FailureMessage ?? ""}`}
    </StatusIndicator>
  );
}

export const NAT_GATEWAYS: Kind<NatGateway> = {
  path: "/vpc/gateways",
  title: "NAT gateways",
  noun: "NAT gateway",
  idPrefix: "nat-",
  read: natGateways,
  idOf: (nat) => nat.NatGatewayId ?? "",
  tagsOf: (nat) => nat.Tags,
  columns: [
    { id: "state", header: "State", cell: (nat) => <NatState nat={nat} />, value: (nat) => nat.State },
    {
      id: "type",
      header: "Type",
      cell: (nat) => nat.ConnectivityType,
      value: (nat) => nat.ConnectivityType,
    },
    { id: "vpc", header: "VPC", cell: (nat) => <IdLink id={nat.VpcId} />, value: (nat) => nat.VpcId },
    { id: "subnet", header: "Subnet", cell: (nat) => <IdLink id={nat.SubnetId} />, value: (nat) => nat.SubnetId },
  ],
  details: (nat) => [
    { label: "State", value: <NatState nat={nat} /> },
    { label: "Type", value: nat.ConnectivityType },
    { label: "VPC", value: <IdLink id={nat.VpcId} /> },
    { label: "Subnet", value: <IdLink id={nat.SubnetId} /> },
    {
      label: "Addresses",
      value: nat.NatGatewayAddresses?.map((each) => (
        <div key={each.PrivateIp ?? each.AllocationId}>
          {each.PrivateIp} {each.PublicIp !== undefined && `(public ${each.PublicIp})`}
        </div>
      )),
    },
    {
      label: "Elastic IP addresses",
      value: <IdLinks ids={nat.NatGatewayAddresses?.map((each) => each.AllocationId)} />,
    },
    { label: "Created", value: nat.CreateTime === undefined ? "-" : formatTime(nat.CreateTime) },
  ],
  empty:
    "A NAT gateway allows connections from a private subnet to the outside, never the other way. A private VPC for jobs has none.",
  create: { label: "Create NAT gateway", Form: CreateNatGateway },
  remove: {
    act: (ec2, nat) => ec2.send(new DeleteNatGatewayCommand({ NatGatewayId: nat.NatGatewayId })),
    warning: "Routes to it become blackholes. Its Elastic IP addresses stay yours.",
  },
};

export const ADDRESSES: Kind<Address> = {
  path: "/vpc/gateways",
  title: "Elastic IP addresses",
  noun: "Elastic IP",
  idPrefix: "eipalloc-",
  read: addresses,
  idOf: (address) => address.AllocationId ?? "",
  tagsOf: (address) => address.Tags,
  columns: [
    {
      id: "public",
      header: "Public address",
      cell: (address) => address.PublicIp,
      value: (address) => address.PublicIp,
    },
    {
      id: "interface",
      header: "Network interface",
      cell: (address) => <IdLink id={address.NetworkInterfaceId} />,
      value: (address) => address.NetworkInterfaceId,
    },
    {
      id: "private",
      header: "Private address",
      cell: (address) => address.PrivateIpAddress ?? "-",
      value: (address) => address.PrivateIpAddress,
    },
  ],
  details: (address) => [
    { label: "Public address", value: address.PublicIp },
    { label: "Network interface", value: <IdLink id={address.NetworkInterfaceId} /> },
    { label: "Private address", value: address.PrivateIpAddress ?? "-" },
    { label: "Association", value: address.AssociationId ?? "not associated" },
  ],
  empty: "An Elastic IP address is a public address of your account, for a NAT gateway or an interface.",
  create: { label: "Allocate address", Form: CreateAddress },
  remove: {
    verb: "Release",
    act: (ec2, address) => ec2.send(new ReleaseAddressCommand({ AllocationId: address.AllocationId })),
  },
  Actions: AddressActions,
};
