import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  ModifyNetworkInterfaceAttributeCommand,
  type NetworkInterface,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { RouterButton } from "../../components/RouterButton";
import { isWithin } from "../cidr";
import { interfaces, securityGroups, subnets } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { groupChoices, subnetChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import { IdLink, IdLinks } from "../IdLink";
import { nameTag } from "../ids";
import { JobLink } from "../JobLink";
import type { Kind } from "./kind";

interface Values extends Record<string, string | readonly string[]> {
  name: string;
  subnet: string;
  groups: readonly string[];
  address: string;
  description: string;
}

function CreateInterface({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const places = useRead(subnets).data;
  const groups = useRead(securityGroups).data;
  const placeOf = (id: string) => places?.find((subnet) => subnet.SubnetId === id);
  const initial: Values = { name: "", subnet: "", groups: [], address: "", description: "" };
  return (
    <FieldsModal<Values>
      title="Create network interface"
      action="Create network interface"
      onDismiss={onDismiss}
      initial={initial}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        { key: "description", label: "Description", kind: "text", optional: true },
        {
          key: "subnet",
          label: "Subnet",
          kind: "select",
          choices: () => subnetChoices(places),
          changed: (values) => ({ ...values, groups: [] }),
        },
        {
          key: "groups",
          label: "Security groups",
          kind: "multi",
          optional: true,
          description: "By default it has the VPC's default group.",
          choices: ({ subnet }) => groupChoices(groups, placeOf(subnet)?.VpcId ?? ""),
          none: "Choose a subnet first.",
        },
        {
          key: "address",
          label: "Private address",
          kind: "text",
          optional: true,
          placeholder: "The first free one",
          problem: ({ address, subnet }) =>
            isWithin(address, [placeOf(subnet)?.CidrBlock ?? ""])
              ? undefined
              : `Choose an address in ${placeOf(subnet)?.CidrBlock ?? "the subnet"}.`,
        },
      ]}
      onSubmit={(values) =>
        change("The network interface is created.", (ec2) =>
          ec2.send(
            new CreateNetworkInterfaceCommand({
              SubnetId: values.subnet,
              TagSpecifications: nameTag("network-interface", values.name),
              ...(values.groups.length > 0 && { Groups: [...values.groups] }),
              ...(values.address.trim() !== "" && { PrivateIpAddress: values.address.trim() }),
              ...(values.description.trim() !== "" && { Description: values.description.trim() }),
            }),
          ),
        )
      }
    />
  );
}

function InterfaceActions({ item }: { readonly item: NetworkInterface }) {
  const [open, setOpen] = useState(false);
  const change = useChange();
  const groups = useRead(securityGroups).data;
  const id = item.NetworkInterfaceId ?? "";
  return (
    <>
      <RouterButton to={`/vpc/reachability?source=${id}`}>What it reaches</RouterButton>{" "}
      <RouterButton to={`/vpc/flow-records?interface=${id}`}>Flow records</RouterButton>{" "}
      {!item.RequesterManaged && <Button onClick={() => setOpen(true)}>Edit</Button>}
      {open && (
        <FieldsModal<{ description: string; groups: readonly string[] }>
          title={`Edit ${id}`}
          action="Save"
          initial={{
            description: item.Description ?? "",
            groups: (item.Groups ?? []).flatMap((group) => group.GroupId ?? []),
          }}
          onDismiss={() => setOpen(false)}
          fields={[
            { key: "description", label: "Description", kind: "text", optional: true },
            {
              key: "groups",
              label: "Security groups",
              kind: "multi",
              choices: () => groupChoices(groups, item.VpcId),
            },
          ]}
          onSubmit={(values) =>
            change(`${id} is changed.`, async (ec2) => {
              // EC2 accepts one attribute per call.
              await ec2.send(
                new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: id, Groups: [...values.groups] }),
              );
              if (values.description !== (item.Description ?? ""))
                await ec2.send(
                  new ModifyNetworkInterfaceAttributeCommand({
                    NetworkInterfaceId: id,
                    Description: { Value: values.description },
                  }),
                );
            })
          }
        />
      )}
    </>
  );
}

export const INTERFACES: Kind<NetworkInterface> = {
  path: "/vpc/interfaces",
  title: "Network interfaces",
  noun: "network interface",
  idPrefix: "eni-",
  read: interfaces,
  idOf: (each) => each.NetworkInterfaceId ?? "",
  tagsOf: (each) => each.TagSet,
  columns: [
    {
      id: "address",
      header: "Private address",
      cell: (each) => each.PrivateIpAddress,
      value: (each) => each.PrivateIpAddress,
    },
    { id: "subnet", header: "Subnet", cell: (each) => <IdLink id={each.SubnetId} />, value: (each) => each.SubnetId },
    {
      id: "groups",
      header: "Security groups",
      cell: (each) => <IdLinks ids={each.Groups?.map((group) => group.GroupId)} />,
      value: (each) => each.Groups?.map((group) => group.GroupId).join(" "),
    },
    { id: "status", header: "Status", cell: (each) => each.Status, value: (each) => each.Status },
    {
      id: "job",
      header: "Job",
      cell: (each) => <JobLink description={each.Description} />,
      value: (each) => each.Description,
    },
  ],
  details: (each) => [
    { label: "Status", value: each.Status },
    { label: "Type", value: each.InterfaceType },
    { label: "Job", value: <JobLink description={each.Description} /> },
    { label: "Description", value: <bdi>{each.Description || "-"}</bdi> },
    { label: "VPC", value: <IdLink id={each.VpcId} /> },
    { label: "Subnet", value: <IdLink id={each.SubnetId} /> },
    { label: "Security groups", value: <IdLinks ids={each.Groups?.map((group) => group.GroupId)} /> },
    {
      label: "Private addresses",
      value: each.PrivateIpAddresses?.map((address) => (
        <div key={address.PrivateIpAddress}>
          {address.PrivateIpAddress}
          {address.Association && ` (public ${address.Association.PublicIp})`}
        </div>
      )),
    },
    { label: "Hardware address", value: each.MacAddress },
    { label: "Managed by a service", value: each.RequesterManaged ? `yes: ${each.RequesterId}` : "no" },
    { label: "Requester", value: each.RequesterId ?? "-" },
    { label: "Availability Zone", value: each.AvailabilityZone },
  ],
  empty: "A network interface is an address in a subnet with security groups. A job creates one for each container.",
  create: { label: "Create network interface", Form: CreateInterface },
  remove: {
    act: (ec2, each) => ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: each.NetworkInterfaceId })),
    forbidden: (each) =>
      each.RequesterManaged ? "It belongs to a service, and is deleted with the resource that it is for." : undefined,
  },
  Actions: InterfaceActions,
};
