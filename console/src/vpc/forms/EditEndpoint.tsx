import { ModifyVpcEndpointCommand, type VpcEndpoint } from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { routeTables, securityGroups, subnets } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { groupChoices, subnetChoices, tableChoices } from "./choices";
import { FieldsModal } from "./FieldsModal";

/** The form for the route tables of a gateway endpoint, or the subnets and groups of an interface endpoint. */
export function EditEndpoint({ item }: { readonly item: VpcEndpoint }) {
  const [open, setOpen] = useState(false);
  const change = useChange();
  const tables = useRead(routeTables).data;
  const places = useRead(subnets).data;
  const groups = useRead(securityGroups).data;
  const isGateway = item.VpcEndpointType === "Gateway";
  const before = {
    tables: item.RouteTableIds ?? [],
    subnets: item.SubnetIds ?? [],
    groups: (item.Groups ?? []).flatMap((group) => group.GroupId ?? []),
    privateDns: item.PrivateDnsEnabled ?? false,
  };
  return (
    <>
      <Button onClick={() => setOpen(true)}>Edit</Button>
      {open && (
        <FieldsModal<{
          tables: readonly string[];
          subnets: readonly string[];
          groups: readonly string[];
          privateDns: boolean;
        }>
          title={`Edit ${item.VpcEndpointId}`}
          action="Save"
          initial={before}
          onDismiss={() => setOpen(false)}
          fields={[
            {
              key: "tables",
              label: "Route tables",
              kind: "multi",
              optional: true,
              shown: () => isGateway,
              description: "Removing a table also breaks open connections of its subnets.",
              choices: () => tableChoices(tables, item.VpcId),
            },
            {
              key: "subnets",
              label: "Subnets",
              kind: "multi",
              shown: () => !isGateway,
              choices: () => subnetChoices(places, item.VpcId),
            },
            {
              key: "groups",
              label: "Security groups",
              kind: "multi",
              shown: () => !isGateway,
              choices: () => groupChoices(groups, item.VpcId),
            },
            { key: "privateDns", label: "Private DNS", kind: "check", shown: () => !isGateway },
          ]}
          onSubmit={(after) =>
            change(`${item.VpcEndpointId} is changed.`, (ec2) =>
              ec2.send(
                new ModifyVpcEndpointCommand({
                  VpcEndpointId: item.VpcEndpointId,
                  ...(isGateway
                    ? {
                        AddRouteTableIds: missing(after.tables, before.tables),
                        RemoveRouteTableIds: missing(before.tables, after.tables),
                      }
                    : {
                        AddSubnetIds: missing(after.subnets, before.subnets),
                        RemoveSubnetIds: missing(before.subnets, after.subnets),
                        AddSecurityGroupIds: missing(after.groups, before.groups),
                        RemoveSecurityGroupIds: missing(before.groups, after.groups),
                        ...(after.privateDns !== before.privateDns && { PrivateDnsEnabled: after.privateDns }),
                      }),
                }),
              ),
            )
          }
        />
      )}
    </>
  );
}

/** The items of one list that are not in the other. */
function missing(one: readonly string[], other: readonly string[]): string[] {
  return one.filter((each) => !other.includes(each));
}
