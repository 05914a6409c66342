import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { useRead } from "../data/use";
import { IdLink } from "../IdLink";
import { nameOf } from "../ids";
import { DeleteDialog } from "./DeleteResource";
import type { Kind } from "./kind";

interface Props<Item> {
  readonly kind: Kind<Item>;
}

/** All resources of a type. */
export function KindList<Item>({ kind }: Props<Item>) {
  const { data, error, isPending, refetch } = useRead(kind.read);
  const [selected, setSelected] = useState<readonly Item[]>([]);
  const [open, setOpen] = useState<"create" | "delete">();
  const columns: Column<Item>[] = [
    { id: "id", header: "Id", cell: (item) => <IdLink id={kind.idOf(item)} />, value: kind.idOf },
    {
      id: "name",
      header: "Name",
      cell: (item) => <bdi>{nameOf(kind.tagsOf(item)) ?? "-"}</bdi>,
      value: (item) => nameOf(kind.tagsOf(item)),
    },
    ...kind.columns,
  ];
  const chosen = data?.find((item) => selected.some((each) => kind.idOf(each) === kind.idOf(item)));
  const verb = kind.remove?.verb ?? "Delete";
  return (
    <>
      <ResourceTable
        title={kind.title}
        noun={kind.noun}
        items={data}
        columns={columns}
        keyOf={kind.idOf}
        loading={isPending}
        error={error}
        onRefresh={() => void refetch()}
        empty={kind.empty}
        {...(kind.remove && {
          selection: "single" as const,
          selected: chosen === undefined ? [] : [chosen],
          onSelect: (items: Item[]) => setSelected(items),
        })}
        actions={
          <>
            {kind.remove && (
              <Button disabled={chosen === undefined} onClick={() => setOpen("delete")}>
                {verb}
              </Button>
            )}{" "}
            {kind.create && (
              <Button variant="primary" onClick={() => setOpen("create")}>
                {kind.create.label}
              </Button>
            )}
          </>
        }
      />
      {open === "create" && kind.create && <kind.create.Form onDismiss={() => setOpen(undefined)} />}
      {open === "delete" && chosen !== undefined && (
        <DeleteDialog
          kind={kind}
          item={chosen}
          onDismiss={() => setOpen(undefined)}
          onDone={() => setOpen(undefined)}
        />
      )}
    </>
  );
}
