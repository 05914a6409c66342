import {
  CreateManagedPrefixListCommand,
  DeleteManagedPrefixListCommand,
  type ManagedPrefixList,
} from "@aws-sdk/client-ec2";
import { parseCidr } from "../cidr";
import { prefixLists } from "../data/reads";
import { useChange } from "../data/use";
import { FieldsModal } from "../forms/FieldsModal";
import { linesOf } from "../forms/fields";
import { nameTag } from "../ids";
import { EntriesPanel } from "../panels/EntriesPanel";
import type { Kind } from "./kind";

/** Why lines are not entries of a prefix list: each must be a network. */
export function entriesProblem(text: string): string | undefined {
  const wrong = linesOf(text).find((line) => parseCidr(line) === undefined);
  return wrong === undefined ? undefined : `${wrong} is not a network. Enter one such as 10.0.0.0/16.`;
}

function CreateList({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  return (
    <FieldsModal
      title="Create prefix list"
      action="Create prefix list"
      onDismiss={onDismiss}
      initial={{ name: "", size: "10", entries: "" }}
      fields={[
        { key: "name", label: "Name", kind: "text" },
        {
          key: "size",
          label: "Size",
          kind: "text",
          description:
            "The most entries that the list can have. Wherever the list is used, it counts as this many rules or routes.",
          problem: ({ size, entries }) =>
            /^[1-9]\d{0,3}$/.test(size) && Number(size) >= linesOf(entries).length
              ? undefined
              : "Enter a number from 1 to 1000, not below the number of entries.",
        },
        {
          key: "entries",
          label: "Networks",
          kind: "lines",
          optional: true,
          placeholder: "10.0.0.0/16",
          problem: ({ entries }) => entriesProblem(entries),
        },
      ]}
      onSubmit={({ name, size, entries }) =>
        change("The prefix list is created.", (ec2) =>
          ec2.send(
            new CreateManagedPrefixListCommand({
              PrefixListName: name.trim(),
              AddressFamily: "IPv4",
              MaxEntries: Number(size),
              Entries: linesOf(entries).map((Cidr) => ({ Cidr })),
              TagSpecifications: nameTag("prefix-list", name),
            }),
          ),
        )
      }
    />
  );
}

export const PREFIX_LISTS: Kind<ManagedPrefixList> = {
  path: "/vpc/prefix-lists",
  title: "Prefix lists",
  noun: "prefix list",
  idPrefix: "pl-",
  read: prefixLists,
  idOf: (list) => list.PrefixListId ?? "",
  tagsOf: (list) => list.Tags,
  columns: [
    {
      id: "list",
      header: "List name",
      cell: (list) => <bdi>{list.PrefixListName}</bdi>,
      value: (list) => list.PrefixListName,
    },
    { id: "owner", header: "Owner", cell: (list) => list.OwnerId, value: (list) => list.OwnerId },
    { id: "state", header: "State", cell: (list) => list.State, value: (list) => list.State },
  ],
  details: (list) => [
    { label: "List name", value: <bdi>{list.PrefixListName}</bdi> },
    { label: "Owner", value: list.OwnerId },
    { label: "State", value: list.State },
    { label: "Size", value: list.MaxEntries ?? "-" },
    { label: "Version", value: list.Version ?? "-" },
  ],
  empty: "A prefix list is a named list of networks for rules and routes. S3 has one of AWS's own.",
  create: { label: "Create prefix list", Form: CreateList },
  remove: {
    act: (ec2, list) => ec2.send(new DeleteManagedPrefixListCommand({ PrefixListId: list.PrefixListId })),
    forbidden: (list) => (list.OwnerId === "AWS" ? "It is AWS's own, and cannot be deleted." : undefined),
  },
  panels: [EntriesPanel],
};
