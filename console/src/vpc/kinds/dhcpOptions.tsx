import { CreateDhcpOptionsCommand, DeleteDhcpOptionsCommand, type DhcpOptions } from "@aws-sdk/client-ec2";
import { dhcpOptions, vpcs } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { FieldsModal } from "../forms/FieldsModal";
import { linesOf } from "../forms/fields";
import { IdLinks } from "../IdLink";
import { nameTag } from "../ids";
import type { Kind } from "./kind";

/** The values of an option of a set, as text; empty if the set does not have it. */
function optionText(set: DhcpOptions, key: string): string {
  const option = set.DhcpConfigurations?.find((each) => each.Key === key);
  return (option?.Values ?? []).map((each) => each.Value).join(", ");
}

function CreateSet({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  return (
    <FieldsModal
      title="Create DHCP option set"
      action="Create set"
      onDismiss={onDismiss}
      initial={{ name: "", servers: "AmazonProvidedDNS", domain: "" }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "servers",
          label: "Name servers",
          kind: "lines",
          description:
            "One per line. AmazonProvidedDNS is the VPC's own resolver. Any other must still resolve S3's names to S3.",
        },
        { key: "domain", label: "Domain", kind: "text", optional: true },
      ]}
      onSubmit={({ name, servers, domain }) =>
        change("The set is created. Assign it to a VPC on the VPC's page.", (ec2) =>
          ec2.send(
            new CreateDhcpOptionsCommand({
              DhcpConfigurations: [
                { Key: "domain-name-servers", Values: linesOf(servers) },
                ...(domain.trim() === "" ? [] : [{ Key: "domain-name", Values: [domain.trim()] }]),
              ],
              TagSpecifications: nameTag("dhcp-options", name),
            }),
          ),
        )
      }
    />
  );
}

function UsedBy({ set }: { readonly set: DhcpOptions }) {
  const users = useRead(vpcs).data?.filter((vpc) => vpc.DhcpOptionsId === set.DhcpOptionsId);
  return <IdLinks ids={users?.map((vpc) => vpc.VpcId)} />;
}

export const DHCP_OPTIONS: Kind<DhcpOptions> = {
  path: "/vpc/dhcp-options",
  title: "DHCP option sets",
  noun: "DHCP option set",
  idPrefix: "dopt-",
  read: dhcpOptions,
  idOf: (set) => set.DhcpOptionsId ?? "",
  tagsOf: (set) => set.Tags,
  columns: [
    {
      id: "servers",
      header: "Name servers",
      cell: (set) => optionText(set, "domain-name-servers") || "-",
      value: (set) => optionText(set, "domain-name-servers"),
    },
    {
      id: "domain",
      header: "Domain",
      cell: (set) => optionText(set, "domain-name") || "-",
      value: (set) => optionText(set, "domain-name"),
    },
    { id: "vpcs", header: "VPCs", cell: (set) => <UsedBy set={set} /> },
  ],
  details: (set) => [
    ...(set.DhcpConfigurations ?? []).map((option) => ({
      label: option.Key ?? "-",
      value: optionText(set, option.Key ?? ""),
    })),
    { label: "VPCs", value: <UsedBy set={set} /> },
  ],
  empty: "A set defines the name servers of a VPC's containers. The account has a default one.",
  create: { label: "Create set", Form: CreateSet },
  remove: {
    act: (ec2, set) => ec2.send(new DeleteDhcpOptionsCommand({ DhcpOptionsId: set.DhcpOptionsId })),
  },
};
