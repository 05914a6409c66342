import Button from "@cloudscape-design/components/button";
import Select from "@cloudscape-design/components/select";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { afterEach, expect, it, vi } from "vitest";
import { ConfirmModal } from "../../src/components/ConfirmModal";
import { FormModal } from "../../src/components/FormModal";

afterEach(cleanup);

const ignore = async (): Promise<void> => undefined;

const shown = (props: Partial<Parameters<typeof FormModal>[0]>) =>
  render(
    <MemoryRouter>
      <FormModal
        title="A thing"
        action="Make it"
        what="It cannot be made"
        onSubmit={ignore}
        onDismiss={ignore}
        {...props}
      >
        {props.children ?? <input aria-label="Name" />}
      </FormModal>
    </MemoryRouter>,
  );

it("sends nothing while the form is invalid", () => {
  const onSubmit = vi.fn();
  shown({ check: () => false, onSubmit });
  fireEvent.click(screen.getByRole("button", { name: "Make it" }));
  expect(onSubmit).not.toHaveBeenCalled();
});

it("stays open and shows the error of the call", async () => {
  shown({ onSubmit: () => Promise.reject(new Error("It is there already.")) });
  fireEvent.click(screen.getByRole("button", { name: "Make it" }));
  await waitFor(() => expect(screen.getByText(/It is there already/)).toBeDefined());
  expect(screen.getByText(/It cannot be made/)).toBeDefined();
});

it("is sent by the Enter key if that is enabled", () => {
  const onSubmit = vi.fn(async () => undefined);
  shown({ sentByEnter: true, onSubmit });
  const form = screen.getByLabelText("Name").closest("form");
  if (form === null) throw new Error("there is no form");
  fireEvent.submit(form);
  expect(onSubmit).toHaveBeenCalledOnce();
});

it.each([
  ["a field for text", <input key="1" aria-label="First" />],
  ["a field for several lines", <textarea key="2" aria-label="First" />],
  ["a list to choose from", <Select key="3" ariaLabel="First" selectedOption={null} options={[]} onChange={ignore} />],
])("begins in its first field: %s", async (_, first) => {
  shown({
    children: (
      <>
        <Button>Not a field</Button>
        <input type="file" hidden />
        {first}
        <input aria-label="Second" />
      </>
    ),
  });
  await waitFor(() => expect(screen.getAllByLabelText("First")).toContain(document.activeElement));
});

it("begins where a name must be typed, if that is what it asks for", async () => {
  render(
    <ConfirmModal title="Delete it?" action="Delete" typed="papers" onConfirm={ignore} onDismiss={ignore}>
      It cannot be undone.
    </ConfirmModal>,
  );
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("textbox")));
});
