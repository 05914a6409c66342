import {
  AssociateRouteTableCommand,
  CreateSubnetCommand,
  DeleteSubnetCommand,
  DisassociateRouteTableCommand,
  ReplaceRouteTableAssociationCommand,
  type Subnet,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { RouterLink } from "../../components/RouterLink";
import { blockProblem, freeBlocks } from "../cidr";
import { routeTables, subnets, vpcs, zones } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { tableChoices, vpcChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import { IdLink } from "../IdLink";
import { nameTag } from "../ids";
import { InterfacesPanel } from "../panels/InterfacesPanel";
import { tableOf } from "../routes";
import type { Kind } from "./kind";

function CreateSubnet({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const nets = useRead(vpcs).data ?? [];
  const known = useRead(subnets).data ?? [];
  const places = useRead(zones).data ?? [];
  const blocksOf = (vpc: string): string[] =>
    (nets.find((each) => each.VpcId === vpc)?.CidrBlockAssociationSet ?? []).flatMap((each) => each.CidrBlock ?? []);
  const nextBlock = (vpc: string): string =>
    blocksOf(vpc).flatMap((block) =>
      freeBlocks(
        block,
        Math.max(24, Number(block.split("/")[1])),
        1,
        known.filter((each) => each.VpcId === vpc).flatMap((each) => each.CidrBlock ?? []),
      ),
    )[0] ?? "";
  return (
    <FieldsModal
      title="Create subnet"
      action="Create subnet"
      onDismiss={onDismiss}
      initial={{ name: "", vpc: "", zone: "", cidr: "" }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "vpc",
          label: "VPC",
          kind: "select",
          choices: () => vpcChoices(nets),
          changed: (values) => ({ ...values, cidr: nextBlock(values.vpc) }),
        },
        {
          key: "zone",
          label: "Availability Zone",
          kind: "select",
          optional: true,
          placeholder: "The first",
          choices: () => places.map((zone) => ({ value: zone.ZoneName ?? "", label: zone.ZoneName ?? "" })),
        },
        {
          key: "cidr",
          label: "CIDR block",
          kind: "text",
          description: "A free part of the VPC's block. Five of its addresses are reserved.",
          problem: ({ cidr, vpc }) => blockProblem(cidr, blocksOf(vpc)),
        },
      ]}
      onSubmit={({ name, vpc, zone, cidr }) =>
        change("The subnet is created.", (ec2) =>
          ec2.send(
            new CreateSubnetCommand({
              VpcId: vpc,
              CidrBlock: cidr.trim(),
              ...(zone !== "" && { AvailabilityZone: zone }),
              TagSpecifications: nameTag("subnet", name),
            }),
          ),
        )
      }
    />
  );
}

function SubnetActions({ item }: { readonly item: Subnet }) {
  const [open, setOpen] = useState(false);
  const change = useChange();
  const tables = useRead(routeTables).data ?? [];
  const own = tables.flatMap((table) => table.Associations ?? []).find((each) => each.SubnetId === item.SubnetId);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Change route table</Button>
      {open && (
        <FieldsModal
          title={`Route table of ${item.SubnetId}`}
          action="Save"
          initial={{ table: own?.RouteTableId ?? "" }}
          onDismiss={() => setOpen(false)}
          fields={[
            {
              key: "table",
              label: "Route table",
              kind: "select",
              optional: true,
              choices: () => [{ value: "", label: "The VPC's main table" }, ...tableChoices(tables, item.VpcId)],
            },
          ]}
          onSubmit={({ table }) =>
            change(`The route table of ${item.SubnetId} is changed.`, async (ec2) => {
              if (own === undefined && table !== "")
                await ec2.send(new AssociateRouteTableCommand({ RouteTableId: table, SubnetId: item.SubnetId }));
              const AssociationId = own?.RouteTableAssociationId;
              if (own !== undefined && table === "")
                await ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
              if (own !== undefined && table !== "" && table !== own.RouteTableId)
                await ec2.send(new ReplaceRouteTableAssociationCommand({ AssociationId, RouteTableId: table }));
            })
          }
        />
      )}
    </>
  );
}

function TableOfSubnet({ subnet }: { readonly subnet: Subnet }) {
  const table = tableOf(subnet, useRead(routeTables).data ?? []);
  const isMain = table?.Associations?.every((each) => each.SubnetId !== subnet.SubnetId);
  return (
    <>
      <IdLink id={table?.RouteTableId} tags={table?.Tags} />
      {isMain && " (the main table)"}
    </>
  );
}

export const SUBNETS: Kind<Subnet> = {
  path: "/vpc/subnets",
  title: "Subnets",
  noun: "subnet",
  idPrefix: "subnet-",
  read: subnets,
  idOf: (subnet) => subnet.SubnetId ?? "",
  tagsOf: (subnet) => subnet.Tags,
  columns: [
    { id: "vpc", header: "VPC", cell: (subnet) => <IdLink id={subnet.VpcId} />, value: (subnet) => subnet.VpcId },
    { id: "cidr", header: "CIDR block", cell: (subnet) => subnet.CidrBlock, value: (subnet) => subnet.CidrBlock },
    {
      id: "zone",
      header: "Zone",
      cell: (subnet) => subnet.AvailabilityZone,
      value: (subnet) => subnet.AvailabilityZone,
    },
    {
      id: "free",
      header: "Free addresses",
      cell: (subnet) => subnet.AvailableIpAddressCount,
      value: (subnet) => subnet.AvailableIpAddressCount,
    },
    { id: "table", header: "Route table", cell: (subnet) => <TableOfSubnet subnet={subnet} /> },
  ],
  details: (subnet) => [
    { label: "VPC", value: <IdLink id={subnet.VpcId} /> },
    { label: "CIDR block", value: subnet.CidrBlock },
    { label: "Availability Zone", value: `${subnet.AvailabilityZone} (${subnet.AvailabilityZoneId})` },
    { label: "Free addresses", value: subnet.AvailableIpAddressCount },
    { label: "Route table", value: <TableOfSubnet subnet={subnet} /> },
    { label: "State", value: subnet.State },
  ],
  empty: (
    <>
      A subnet is a part of a VPC. Each container of a job uses one of its addresses.{" "}
      <RouterLink to="/vpc/create">Build a private VPC for jobs</RouterLink>
    </>
  ),
  create: { label: "Create subnet", Form: CreateSubnet },
  remove: { act: (ec2, subnet) => ec2.send(new DeleteSubnetCommand({ SubnetId: subnet.SubnetId })) },
  Actions: SubnetActions,
  panels: [({ item }) => <InterfacesPanel of={(each) => each.SubnetId === item.SubnetId} />],
};
