import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { TagsPanel } from "../../src/components/tags/TagsPanel";

afterEach(cleanup);

const TAGS = [{ Key: "team", Value: "a" }];
const save = (): HTMLButtonElement => screen.getByRole("button", { name: "Save tags" });

it("saves the changes, and passes all wanted tags", async () => {
  const onSave = vi.fn(async () => undefined);
  render(<TagsPanel tags={TAGS} onSave={onSave} />);
  fireEvent.change(screen.getByLabelText("Value of tag 1"), { target: { value: "b" } });
  fireEvent.click(save());
  const wanted = [{ Key: "team", Value: "b" }];
  await waitFor(() => expect(onSave).toHaveBeenCalledWith({ set: wanted, removed: [] }, wanted));
});

it("does not save invalid tags, and says what is wrong", () => {
  render(<TagsPanel tags={TAGS} onSave={async () => undefined} />);
  fireEvent.click(screen.getByRole("button", { name: "Add tag" }));
  expect(screen.getByText("Enter a key, or remove the tag.")).toBeDefined();
  expect(save().disabled).toBe(true);
  fireEvent.click(screen.getByRole("button", { name: "Discard" }));
  expect(screen.queryByLabelText("Key of tag 2")).toBeNull();
});
