import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { type Column, ResourceTable } from "../../src/components/ResourceTable";

afterEach(cleanup);

interface Pet {
  readonly name: string;
}

const COLUMNS: Column<Pet>[] = [{ id: "name", header: "Name", cell: ({ name }) => name, value: ({ name }) => name }];
const PETS: Pet[] = [{ name: "Bello, who has a very long name" }, { name: "Mimi" }];
const keyOf = ({ name }: Pet): string => name;

const table = (items: Pet[] | undefined, filterBy?: readonly string[], error?: unknown) => (
  <ResourceTable
    title="Pets"
    noun="pet"
    items={items}
    loading={items === undefined}
    error={error}
    columns={COLUMNS}
    keyOf={keyOf}
    empty="No pets."
    {...(filterBy && { filterBy })}
  />
);

const field = (): HTMLInputElement => screen.getByLabelText("Filter Pets");

it.each([undefined, ["name"]])(
  "keeps the text and the focus of its filter while items load or fail: %j",
  (filterBy) => {
    const { rerender } = render(table(undefined, filterBy));
    const before = field();
    before.focus();
    fireEvent.change(before, { target: { value: "mimi" } });
    rerender(table(PETS, filterBy));
    rerender(table(PETS, filterBy, new Error("The pets cannot be read.")));
    expect(field()).toBe(before);
    expect(field().value).toBe("mimi");
    expect(document.activeElement).toBe(before);
  },
);
