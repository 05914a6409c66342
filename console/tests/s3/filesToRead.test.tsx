import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { NewBucketModal } from "../../src/create/NewBucketModal";
import { UploadModal } from "../../src/s3/objects/UploadModal";
import { Frame, signedIn } from "../signedIn";

afterEach(cleanup);

const FILES = ["letter.txt", "scan.pdf", "OLD.DOC", "all.zip"].map((name) => new File(["?\0"], name));
const ignore = (): void => undefined;

function choose(): void {
  fireEvent.change(screen.getByLabelText("Files to upload"), { target: { files: FILES } });
}

test("an upload says which files jobs read before it starts, and can leave the others out", async () => {
  await signedIn();
  render(<UploadModal bucket="papers" prefix="in/" onDismiss={ignore} />, { wrapper: Frame });
  choose();
  expect((await screen.findByTestId("files-to-read")).textContent).toContain("plain text (1), PDF (1)");
  expect(screen.getByText("Jobs cannot read 2 of these files")).toBeDefined();
  expect(screen.getAllByText("in/OLD.DOC")).toHaveLength(2);
  fireEvent.click(screen.getByRole("button", { name: "Leave them out" }));
  expect(screen.queryByText("in/OLD.DOC")).toBeNull();
  expect(screen.queryByText("in/all.zip")).toBeNull();
});

test("a new bucket gets only the files that jobs read, and the dialog names the others", async () => {
  await signedIn();
  render(<NewBucketModal onMade={ignore} onDismiss={ignore} />, { wrapper: Frame });
  fireEvent.click(screen.getByRole("radio", { name: /My documents/ }));
  choose();
  expect((await screen.findByTestId("files-left-out")).textContent).toContain("They are not uploaded.");
  expect(screen.getByText(/^2 files to upload/)).toBeDefined();
});
