import { AssociateVpcCidrBlockCommand, DisassociateVpcCidrBlockCommand, type Vpc } from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ResourceTable } from "../../components/ResourceTable";
import { blockProblem } from "../cidr";
import { useChange } from "../data/use";
import { FieldsModal } from "../forms/FieldsModal";

/** The address blocks of a VPC. The first cannot be removed; others can be added and removed. */
export function VpcBlocksPanel({ item }: { readonly item: Vpc }) {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<{ id: string; block: string }>();
  const change = useChange();
  const blocks = (item.CidrBlockAssociationSet ?? []).filter((each) => each.CidrBlockState?.State !== "disassociated");
  return (
    <>
      <ResourceTable
        title="CIDR blocks"
        noun="block"
        items={blocks}
        keyOf={(each) => each.AssociationId ?? ""}
        empty="A VPC has at least one block."
        columns={[
          { id: "block", header: "Block", cell: (each) => each.CidrBlock, value: (each) => each.CidrBlock },
          {
            id: "state",
            header: "State",
            cell: (each) => each.CidrBlockState?.State,
            value: (each) => each.CidrBlockState?.State,
          },
          {
            id: "remove",
            header: "Remove",
            cell: (each) =>
              each.CidrBlock === item.CidrBlock ? (
                "The first block stays"
              ) : (
                <Button
                  variant="inline-link"
                  ariaLabel={`Remove block ${each.CidrBlock}`}
                  onClick={() => setRemoving({ id: each.AssociationId ?? "", block: each.CidrBlock ?? "" })}
                >
                  Remove
                </Button>
              ),
          },
        ]}
        actions={<Button onClick={() => setAdding(true)}>Add block</Button>}
      />
      {adding && (
        <FieldsModal
          title={`Add a block to ${item.VpcId}`}
          action="Add block"
          initial={{ cidr: "" }}
          onDismiss={() => setAdding(false)}
          fields={[
            {
              key: "cidr",
              label: "CIDR block",
              kind: "text",
              placeholder: "10.1.0.0/16",
              problem: ({ cidr }) => blockProblem(cidr),
            },
          ]}
          onSubmit={({ cidr }) =>
            change("The block is added.", (ec2) =>
              ec2.send(new AssociateVpcCidrBlockCommand({ VpcId: item.VpcId, CidrBlock: cidr.trim() })),
            )
          }
        />
      )}
      {removing !== undefined && (
        <ConfirmModal
          title={`Remove ${removing.block}?`}
          action="Remove"
          onDismiss={() => setRemoving(undefined)}
          onConfirm={async () => {
            await change("The block is removed.", (ec2) =>
              ec2.send(new DisassociateVpcCidrBlockCommand({ AssociationId: removing.id })),
            );
            setRemoving(undefined);
          }}
        >
          It must not contain any subnet.
        </ConfirmModal>
      )}
    </>
  );
}
