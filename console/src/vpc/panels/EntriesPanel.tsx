import {
  GetManagedPrefixListEntriesCommand,
  type ManagedPrefixList,
  ModifyManagedPrefixListCommand,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { ResourceTable } from "../../components/ResourceTable";
import { pages } from "../data/pages";
import { useAsk, useChange } from "../data/use";
import { FieldsModal } from "../forms/FieldsModal";
import { linesOf } from "../forms/fields";
import { entriesProblem } from "../kinds/prefixLists";

/**
 * The networks of a prefix list. A change creates a new version, which takes effect at once wherever the list is used.
 */
export function EntriesPanel({ item }: { readonly item: ManagedPrefixList }) {
  const [editing, setEditing] = useState(false);
  const change = useChange();
  const PrefixListId = item.PrefixListId ?? "";
  const { data, error, isPending, refetch } = useAsk("GetManagedPrefixListEntries", PrefixListId, (ec2) =>
    pages(
      (NextToken) => ec2.send(new GetManagedPrefixListEntriesCommand({ PrefixListId, MaxResults: 100, NextToken })),
      ({ Entries }) => Entries,
    ),
  );
  const before = (data ?? []).flatMap((entry) => entry.Cidr ?? []);
  return (
    <>
      <ResourceTable
        title="Networks"
        noun="network"
        items={data}
        loading={isPending}
        error={error}
        onRefresh={() => void refetch()}
        keyOf={(entry) => entry.Cidr ?? ""}
        empty="The list is empty: rules and routes that use it have no effect."
        actions={
          item.OwnerId !== "AWS" && (
            <Button disabled={data === undefined} onClick={() => setEditing(true)}>
              Edit networks
            </Button>
          )
        }
        columns={[
          { id: "cidr", header: "Network", cell: (entry) => entry.Cidr, value: (entry) => entry.Cidr },
          {
            id: "description",
            header: "Description",
            cell: (entry) => <bdi>{entry.Description || "-"}</bdi>,
            value: (entry) => entry.Description,
          },
        ]}
      />
      {editing && (
        <FieldsModal
          title={`Networks of ${PrefixListId}`}
          action="Save networks"
          initial={{ entries: before.join("\n") }}
          onDismiss={() => setEditing(false)}
          fields={[
            {
              key: "entries",
              label: "Networks",
              kind: "lines",
              optional: true,
              description: "One per line.",
              problem: ({ entries }) => entriesProblem(entries),
            },
          ]}
          onSubmit={({ entries }) => {
            const after = linesOf(entries);
            return change(`The networks of ${PrefixListId} are changed.`, (ec2) =>
              ec2.send(
                new ModifyManagedPrefixListCommand({
                  PrefixListId,
                  CurrentVersion: item.Version,
                  AddEntries: after.filter((Cidr) => !before.includes(Cidr)).map((Cidr) => ({ Cidr })),
                  RemoveEntries: before.filter((Cidr) => !after.includes(Cidr)).map((Cidr) => ({ Cidr })),
                }),
              ),
            );
          }}
        />
      )}
    </>
  );
}
