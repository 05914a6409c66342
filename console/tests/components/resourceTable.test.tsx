import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { type Column, ResourceTable } from "../../src/components/ResourceTable";

afterEach(cleanup);
afterEach(() => localStorage.clear());

interface Pet {
  readonly name: string;
  readonly age: number;
}

const COLUMNS: Column<Pet>[] = [
  { id: "name", header: "Name", cell: ({ name }) => name, value: ({ name }) => name },
  { id: "age", header: "Age", cell: ({ age }) => age, value: ({ age }) => age },
];
const PETS: Pet[] = [
  { name: "Bello, who has a very long name", age: 3 },
  { name: "Mimi", age: 5 },
];
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

const headers = (): (string | null)[] => screen.getAllByRole("columnheader").map((header) => header.textContent);

it("hides the columns that the user hides, and still does when it is opened again", async () => {
  const { unmount } = render(table(PETS));
  expect(headers()).toEqual(["Name", "Age"]);
  fireEvent.click(screen.getByRole("button", { name: "Columns of Pets" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Columns of Pets" }));
  expect(dialog.getByRole<HTMLInputElement>("checkbox", { name: "Name" }).disabled).toBe(true);
  fireEvent.click(dialog.getByRole("checkbox", { name: "Age" }));
  fireEvent.click(dialog.getByRole("button", { name: "Confirm" }));
  expect(headers()).toEqual(["Name"]);
  unmount();
  render(table(PETS));
  expect(headers()).toEqual(["Name"]);
  expect(screen.queryByText("5")).toBeNull();
});
