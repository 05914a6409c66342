import {
  AssociateDhcpOptionsCommand,
  CreateVpcCommand,
  DeleteVpcCommand,
  DescribeVpcAttributeCommand,
  ModifyVpcAttributeCommand,
  type Vpc,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { RouterButton } from "../../components/RouterButton";
import { RouterLink } from "../../components/RouterLink";
import { blockProblem } from "../cidr";
import { dhcpOptions, vpcs } from "../data/reads";
import { useAsk, useChange, useRead } from "../data/use";
import { FieldsModal } from "../forms/FieldsModal";
import { IdLink } from "../IdLink";
import { nameTag } from "../ids";
import { VpcBlocksPanel } from "../panels/VpcBlocksPanel";
import { VpcContentsPanel } from "../panels/VpcContentsPanel";
import { DeleteVpc } from "./DeleteVpc";
import type { Kind } from "./kind";

type DnsAttribute = "enableDnsSupport" | "enableDnsHostnames";

function useDns(vpcId: string, attribute: DnsAttribute): boolean | undefined {
  const { data } = useAsk("DescribeVpcAttribute", `${vpcId} ${attribute}`, (ec2) =>
    ec2.send(new DescribeVpcAttributeCommand({ VpcId: vpcId, Attribute: attribute })),
  );
  return (attribute === "enableDnsSupport" ? data?.EnableDnsSupport : data?.EnableDnsHostnames)?.Value;
}

function DnsState({ vpcId, attribute }: { readonly vpcId: string; readonly attribute: DnsAttribute }) {
  const value = useDns(vpcId, attribute);
  return <>{value === undefined ? "-" : value ? "on" : "off"}</>;
}

function CreateVpc({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  return (
    <FieldsModal
      title="Create VPC"
      action="Create VPC"
      onDismiss={onDismiss}
      initial={{ name: "", cidr: "10.0.0.0/16" }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "cidr",
          label: "CIDR block",
          kind: "text",
          description: "The addresses of the network, /16 to /28.",
          problem: ({ cidr }) => blockProblem(cidr),
        },
      ]}
      onSubmit={({ name, cidr }) =>
        change("The VPC is created.", (ec2) =>
          ec2.send(new CreateVpcCommand({ CidrBlock: cidr.trim(), TagSpecifications: nameTag("vpc", name) })),
        )
      }
    />
  );
}

function VpcActions({ item }: { readonly item: Vpc }) {
  const id = item.VpcId ?? "";
  const [open, setOpen] = useState(false);
  const change = useChange();
  const support = useDns(id, "enableDnsSupport");
  const hostnames = useDns(id, "enableDnsHostnames");
  const sets = useRead(dhcpOptions).data;
  return (
    <>
      <RouterButton to={`/vpc/map?vpc=${id}`}>Resource map</RouterButton>{" "}
      <Button disabled={support === undefined || hostnames === undefined} onClick={() => setOpen(true)}>
        Edit
      </Button>
      {open && (
        <FieldsModal
          title={`Edit ${id}`}
          action="Save"
          onDismiss={() => setOpen(false)}
          initial={{ support: support ?? true, hostnames: hostnames ?? false, dhcp: item.DhcpOptionsId ?? "default" }}
          fields={[
            {
              key: "support",
              label: "DNS resolution",
              kind: "check",
              description: "Whether the VPC's resolver answers. Without it, a job can resolve no names, not even S3's.",
            },
            {
              key: "hostnames",
              label: "DNS hostnames",
              kind: "check",
              description: "Private DNS names of interface endpoints need it.",
            },
            {
              key: "dhcp",
              label: "DHCP option set",
              kind: "select",
              description: "It determines the name servers of jobs' containers.",
              choices: () => [
                { value: "default", label: "None: no name server" },
                ...(sets ?? []).map((set) => ({ value: set.DhcpOptionsId ?? "", label: set.DhcpOptionsId ?? "" })),
              ],
            },
          ]}
          onSubmit={(values) =>
            change(`${id} is changed.`, async (ec2) => {
              // Hostnames need resolution, so they are turned on after it, and off before it.
              const attributes = values.support
                ? (["EnableDnsSupport", "EnableDnsHostnames"] as const)
                : (["EnableDnsHostnames", "EnableDnsSupport"] as const);
              for (const attribute of attributes) {
                const [now, wanted] =
                  attribute === "EnableDnsSupport" ? [support, values.support] : [hostnames, values.hostnames];
                if (now !== wanted)
                  await ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, [attribute]: { Value: wanted } }));
              }
              if (values.dhcp !== (item.DhcpOptionsId ?? "default"))
                await ec2.send(new AssociateDhcpOptionsCommand({ VpcId: id, DhcpOptionsId: values.dhcp }));
            })
          }
        />
      )}
    </>
  );
}

export const VPCS: Kind<Vpc> = {
  path: "/vpc/vpcs",
  title: "VPCs",
  noun: "VPC",
  idPrefix: "vpc-",
  read: vpcs,
  idOf: (vpc) => vpc.VpcId ?? "",
  tagsOf: (vpc) => vpc.Tags,
  columns: [
    { id: "cidr", header: "CIDR block", cell: (vpc) => vpc.CidrBlock, value: (vpc) => vpc.CidrBlock },
    { id: "state", header: "State", cell: (vpc) => vpc.State, value: (vpc) => vpc.State },
    {
      id: "default",
      header: "Default VPC",
      cell: (vpc) => (vpc.IsDefault ? "yes" : "no"),
      value: (vpc) => (vpc.IsDefault ? "yes" : "no"),
    },
    {
      id: "tenancy",
      header: "Tenancy",
      cell: (vpc) => vpc.InstanceTenancy,
      value: (vpc) => vpc.InstanceTenancy,
    },
  ],
  details: (vpc) => [
    { label: "State", value: vpc.State },
    { label: "CIDR block", value: vpc.CidrBlock },
    { label: "Default VPC", value: vpc.IsDefault ? "yes" : "no" },
    {
      label: "Tenancy",
      value: vpc.InstanceTenancy === "default" ? "default" : `${vpc.InstanceTenancy}: jobs do not run here`,
    },
    { label: "DHCP option set", value: <IdLink id={vpc.DhcpOptionsId} /> },
    { label: "DNS resolution", value: <DnsState vpcId={vpc.VpcId ?? ""} attribute="enableDnsSupport" /> },
    { label: "DNS hostnames", value: <DnsState vpcId={vpc.VpcId ?? ""} attribute="enableDnsHostnames" /> },
    { label: "Owner", value: vpc.OwnerId },
  ],
  empty: (
    <>
      A VPC is your own network. Jobs in it reach what you allow and nothing else.{" "}
      <RouterLink to="/vpc/create">Build a private VPC for jobs</RouterLink>
    </>
  ),
  create: { label: "Create VPC", Form: CreateVpc },
  remove: {
    act: (ec2, vpc) => ec2.send(new DeleteVpcCommand({ VpcId: vpc.VpcId })),
    Dialog: DeleteVpc,
  },
  Actions: VpcActions,
  panels: [VpcBlocksPanel, VpcContentsPanel],
};
