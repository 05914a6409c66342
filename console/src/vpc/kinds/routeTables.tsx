import { CreateRouteTableCommand, DeleteRouteTableCommand, type RouteTable } from "@aws-sdk/client-ec2";
import { routeTables, vpcs } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { vpcChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import { IdLink, IdLinks } from "../IdLink";
import { nameTag } from "../ids";
import { AssociationsPanel } from "../panels/AssociationsPanel";
import { RoutesPanel } from "../panels/RoutesPanel";
import type { Kind } from "./kind";

function CreateRouteTable({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const nets = useRead(vpcs).data;
  return (
    <FieldsModal
      title="Create route table"
      action="Create route table"
      onDismiss={onDismiss}
      initial={{ name: "", vpc: "" }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        { key: "vpc", label: "VPC", kind: "select", choices: () => vpcChoices(nets) },
      ]}
      onSubmit={({ name, vpc }) =>
        change("The route table is created.", (ec2) =>
          ec2.send(new CreateRouteTableCommand({ VpcId: vpc, TagSpecifications: nameTag("route-table", name) })),
        )
      }
    />
  );
}

const isMain = (table: RouteTable): boolean => table.Associations?.some((each) => each.Main) ?? false;

export const ROUTE_TABLES: Kind<RouteTable> = {
  path: "/vpc/route-tables",
  title: "Route tables",
  noun: "route table",
  idPrefix: "rtb-",
  read: routeTables,
  idOf: (table) => table.RouteTableId ?? "",
  tagsOf: (table) => table.Tags,
  columns: [
    { id: "vpc", header: "VPC", cell: (table) => <IdLink id={table.VpcId} />, value: (table) => table.VpcId },
    {
      id: "main",
      header: "Main",
      cell: (table) => (isMain(table) ? "yes" : "no"),
      value: (table) => (isMain(table) ? "yes" : "no"),
    },
    {
      id: "subnets",
      header: "Subnets",
      cell: (table) => <IdLinks ids={table.Associations?.map((each) => each.SubnetId)} />,
    },
    { id: "routes", header: "Routes", cell: (table) => table.Routes?.length, value: (table) => table.Routes?.length },
  ],
  details: (table) => [
    { label: "VPC", value: <IdLink id={table.VpcId} /> },
    { label: "Main", value: isMain(table) ? "yes: for every subnet without a table of its own" : "no" },
    { label: "Owner", value: table.OwnerId },
  ],
  empty: "A route table says where packets of a subnet may go. Every VPC has a main one.",
  create: { label: "Create route table", Form: CreateRouteTable },
  remove: {
    act: (ec2, table) => ec2.send(new DeleteRouteTableCommand({ RouteTableId: table.RouteTableId })),
    forbidden: (table) => (isMain(table) ? "The main table is deleted only with its VPC." : undefined),
  },
  panels: [RoutesPanel, AssociationsPanel],
};
