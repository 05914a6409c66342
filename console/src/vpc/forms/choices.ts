import type {
  Address,
  ManagedPrefixList,
  NetworkInterface,
  RouteTable,
  SecurityGroup,
  Subnet,
  Vpc,
} from "@aws-sdk/client-ec2";
import { labelOf, nameOf } from "../ids";
import type { Choice } from "./fields";

export const vpcChoices = (vpcs: readonly Vpc[] | undefined): Choice[] =>
  (vpcs ?? []).map((vpc) => ({
    value: vpc.VpcId ?? "",
    label: labelOf(vpc.VpcId, vpc.Tags),
    description: `${vpc.CidrBlock}${vpc.IsDefault ? ", the default VPC" : ""}`,
  }));

export const subnetChoices = (subnets: readonly Subnet[] | undefined, vpcId?: string): Choice[] =>
  (subnets ?? [])
    .filter((subnet) => vpcId === undefined || subnet.VpcId === vpcId)
    .map((subnet) => ({
      value: subnet.SubnetId ?? "",
      label: labelOf(subnet.SubnetId, subnet.Tags),
      description: `${subnet.CidrBlock}, ${subnet.AvailabilityZone}, ${subnet.AvailableIpAddressCount} free addresses`,
    }));

export const groupChoices = (groups: readonly SecurityGroup[] | undefined, vpcId?: string): Choice[] =>
  (groups ?? [])
    .filter((group) => vpcId === undefined || group.VpcId === vpcId)
    .map((group) => ({
      value: group.GroupId ?? "",
      label: `${group.GroupId} (${group.GroupName})`,
      description: group.Description,
    }));

export const tableChoices = (tables: readonly RouteTable[] | undefined, vpcId?: string): Choice[] =>
  (tables ?? [])
    .filter((table) => vpcId === undefined || table.VpcId === vpcId)
    .map((table) => ({
      value: table.RouteTableId ?? "",
      label: labelOf(table.RouteTableId, table.Tags),
      description: table.Associations?.some((each) => each.Main) ? "the main table" : undefined,
    }));

export const listChoices = (lists: readonly ManagedPrefixList[] | undefined): Choice[] =>
  (lists ?? []).map((list) => ({
    value: list.PrefixListId ?? "",
    label: `${list.PrefixListId} (${list.PrefixListName})`,
  }));

export const interfaceChoices = (interfaces: readonly NetworkInterface[] | undefined, vpcId?: string): Choice[] =>
  (interfaces ?? [])
    .filter((each) => vpcId === undefined || each.VpcId === vpcId)
    .map((each) => ({
      value: each.NetworkInterfaceId ?? "",
      label: `${labelOf(each.NetworkInterfaceId, each.TagSet)} ${each.PrivateIpAddress}`,
      description: each.Description || undefined,
    }));

export const addressChoices = (addresses: readonly Address[] | undefined): Choice[] =>
  (addresses ?? [])
    .filter((address) => address.AssociationId === undefined)
    .map((address) => ({
      value: address.AllocationId ?? "",
      label: `${address.PublicIp} (${nameOf(address.Tags) ?? address.AllocationId})`,
    }));
