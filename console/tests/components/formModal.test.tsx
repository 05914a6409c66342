import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { afterEach, expect, it, vi } from "vitest";
import { FormModal } from "../../src/components/FormModal";

afterEach(cleanup);

const shown = (props: Partial<Parameters<typeof FormModal>[0]>) =>
  render(
    <MemoryRouter>
      <FormModal
        title="A thing"
        action="Make it"
        what="It cannot be made"
        onSubmit={async () => undefined}
        onDismiss={() => undefined}
        {...props}
      >
        <input aria-label="Name" />
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
