import {
  CreateRouteCommand,
  DeleteRouteCommand,
  ReplaceRouteCommand,
  type Route,
  type RouteTable,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ResourceTable } from "../../components/ResourceTable";
import { parseCidr } from "../cidr";
import { interfaces, internetGateways, natGateways, prefixLists } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { interfaceChoices, listChoices } from "../forms/choices";
import { FieldsModal } from "../forms/FieldsModal";
import type { Choice } from "../forms/fields";
import { IdLink } from "../IdLink";
import { labelOf } from "../ids";
import { destinationOf, destinationParameter, targetOf, targetParameter } from "../routes";

/** The routes of a table, with an editor. Routes to a gateway endpoint are edited on the endpoint's page. */
export function RoutesPanel({ item }: { readonly item: RouteTable }) {
  const [editing, setEditing] = useState<Route | "new">();
  const [removing, setRemoving] = useState<Route>();
  const change = useChange();
  const targets = useTargets(item.VpcId);
  const lists = useRead(prefixLists).data;
  const table = { RouteTableId: item.RouteTableId };
  const old = editing === "new" ? undefined : editing;
  const isLocal = (route: Route): boolean => route.Origin === "CreateRouteTable";
  const isOfEndpoint = (route: Route): boolean => route.GatewayId?.startsWith("vpce-") ?? false;
  return (
    <>
      <ResourceTable
        title="Routes"
        noun="route"
        items={item.Routes ?? []}
        keyOf={destinationOf}
        empty="Every table has the VPC's local route."
        description="The most specific destination decides. Packets that match no route are dropped."
        actions={<Button onClick={() => setEditing("new")}>Add route</Button>}
        columns={[
          {
            id: "destination",
            header: "Destination",
            cell: (route) => <IdLink id={destinationOf(route)} />,
            value: destinationOf,
          },
          { id: "target", header: "Target", cell: (route) => <IdLink id={targetOf(route)} />, value: targetOf },
          {
            id: "state",
            header: "State",
            cell: (route) => (
              <StatusIndicator type={route.State === "active" ? "success" : "error"}>
                {route.State === "active" ? "active" : `${route.State}: its packets are dropped`}
              </StatusIndicator>
            ),
            value: (route) => route.State,
          },
          {
            id: "edit",
            header: "Change",
            cell: (route) =>
              isOfEndpoint(route) ? (
                "On the endpoint's page"
              ) : (
                <SpaceBetween direction="horizontal" size="xs">
                  <Button
                    variant="inline-link"
                    ariaLabel={`Edit the route for ${destinationOf(route)}`}
                    onClick={() => setEditing(route)}
                  >
                    Edit
                  </Button>
                  {!isLocal(route) && (
                    <Button
                      variant="inline-link"
                      ariaLabel={`Delete the route for ${destinationOf(route)}`}
                      onClick={() => setRemoving(route)}
                    >
                      Delete
                    </Button>
                  )}
                </SpaceBetween>
              ),
          },
        ]}
      />
      {editing !== undefined && (
        <FieldsModal
          title={old === undefined ? "Add route" : `Route for ${destinationOf(old)}`}
          action={old === undefined ? "Add route" : "Save route"}
          onDismiss={() => setEditing(undefined)}
          initial={{
            kind: "cidr",
            cidr: old === undefined ? "" : destinationOf(old),
            list: "",
            target: old === undefined ? "" : targetOf(old),
          }}
          fields={[
            {
              key: "kind",
              label: "Destination",
              kind: "choice",
              shown: () => old === undefined,
              choices: () => [
                { value: "cidr", label: "A network" },
                { value: "list", label: "A prefix list" },
              ],
            },
            {
              key: "cidr",
              label: "Network",
              kind: "text",
              placeholder: "0.0.0.0/0",
              shown: ({ kind }) => old === undefined && kind === "cidr",
              problem: ({ cidr }) =>
                parseCidr(cidr) === undefined ? "Enter a network such as 0.0.0.0/0 (everything)." : undefined,
            },
            {
              key: "list",
              label: "Prefix list",
              kind: "select",
              shown: ({ kind }) => old === undefined && kind === "list",
              choices: () => listChoices(lists),
            },
            {
              key: "target",
              label: "Target",
              kind: "select",
              description:
                "To reach S3 through a gateway endpoint, associate this table on the endpoint's page instead.",
              none: "This VPC has no gateway or interface that could be a target.",
              choices: () => [
                ...(old !== undefined && isLocal(old) ? [{ value: "local", label: "local" }] : []),
                ...targets,
              ],
            },
          ]}
          onSubmit={(values) =>
            change(`The routes of ${item.RouteTableId} are changed.`, (ec2) => {
              if (old === undefined) {
                const destination = destinationParameter(values.kind === "list" ? values.list : values.cidr);
                return ec2.send(
                  new CreateRouteCommand({ ...table, ...destination, ...targetParameter(values.target) }),
                );
              }
              const target = values.target === "local" ? { LocalTarget: true } : targetParameter(values.target);
              return ec2.send(
                new ReplaceRouteCommand({ ...table, ...destinationParameter(destinationOf(old)), ...target }),
              );
            })
          }
        />
      )}
      {removing !== undefined && (
        <ConfirmModal
          title={`Delete the route for ${destinationOf(removing)}?`}
          action="Delete"
          onDismiss={() => setRemoving(undefined)}
          onConfirm={async () => {
            await change("The route is deleted.", (ec2) =>
              ec2.send(new DeleteRouteCommand({ ...table, ...destinationParameter(destinationOf(removing)) })),
            );
            setRemoving(undefined);
          }}
        >
          Packets to it will be dropped, unless a less specific route matches them.
        </ConfirmModal>
      )}
    </>
  );
}

/** The possible targets of a route of a VPC. */
function useTargets(vpcId: string | undefined): Choice[] {
  const gateways = useRead(internetGateways).data ?? [];
  const nats = useRead(natGateways).data ?? [];
  const ends = useRead(interfaces).data ?? [];
  return [
    ...gateways
      .filter((gateway) => gateway.Attachments?.some((each) => each.VpcId === vpcId))
      .map((gateway) => ({
        value: gateway.InternetGatewayId ?? "",
        label: labelOf(gateway.InternetGatewayId, gateway.Tags),
        description: "internet gateway",
      })),
    ...nats
      .filter((nat) => nat.VpcId === vpcId && nat.State === "available")
      .map((nat) => ({
        value: nat.NatGatewayId ?? "",
        label: labelOf(nat.NatGatewayId, nat.Tags),
        description: "NAT gateway",
      })),
    ...interfaceChoices(ends, vpcId),
  ];
}
