import { AssociateRouteTableCommand, DisassociateRouteTableCommand, type RouteTable } from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useNotices } from "../../components/Notifications";
import { ResourceTable } from "../../components/ResourceTable";
import { subnets } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { subnetChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import { IdLink } from "../IdLink";

/** The subnets that use a route table. */
export function AssociationsPanel({ item }: { readonly item: RouteTable }) {
  const [adding, setAdding] = useState(false);
  const change = useChange();
  const notices = useNotices();
  const nets = useRead(subnets).data;
  const own = (item.Associations ?? []).filter((each) => each.SubnetId !== undefined);
  const taken = new Set(own.map((each) => each.SubnetId));
  return (
    <>
      <ResourceTable
        title="Associated subnets"
        noun="association"
        items={own}
        keyOf={(each) => each.RouteTableAssociationId ?? ""}
        empty="No subnet is associated with this table."
        actions={<Button onClick={() => setAdding(true)}>Associate subnet</Button>}
        columns={[
          {
            id: "subnet",
            header: "Subnet",
            cell: (each) => (
              <IdLink id={each.SubnetId} tags={nets?.find((net) => net.SubnetId === each.SubnetId)?.Tags} />
            ),
            value: (each) => each.SubnetId,
          },
          {
            id: "state",
            header: "State",
            cell: (each) => each.AssociationState?.State,
            value: (each) => each.AssociationState?.State,
          },
          {
            id: "end",
            header: "Change",
            cell: (each) => (
              <Button
                variant="inline-link"
                ariaLabel={`Disassociate ${each.SubnetId}`}
                onClick={() =>
                  void change(`${each.SubnetId} uses the main table now.`, (ec2) =>
                    ec2.send(new DisassociateRouteTableCommand({ AssociationId: each.RouteTableAssociationId })),
                  ).catch((error: unknown) => notices.failure("The association cannot be removed", error))
                }
              >
                Disassociate
              </Button>
            ),
          },
        ]}
      />
      {adding && (
        <FieldsModal
          title={`Associate a subnet with ${item.RouteTableId}`}
          action="Associate"
          initial={{ subnet: "" }}
          onDismiss={() => setAdding(false)}
          fields={[
            {
              key: "subnet",
              label: "Subnet",
              kind: "select",
              choices: () => subnetChoices(nets, item.VpcId).filter((choice) => !taken.has(choice.value)),
            },
          ]}
          onSubmit={({ subnet }) =>
            change(`${subnet} uses this table now.`, (ec2) =>
              ec2.send(new AssociateRouteTableCommand({ RouteTableId: item.RouteTableId, SubnetId: subnet })),
            )
          }
        />
      )}
    </>
  );
}
