import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { s3Of } from "../../src/api/s3";
import { S3Browser } from "../../src/create/parts/S3Browser";
import { answers, Frame, signedIn } from "../signedIn";

afterEach(cleanup);

test.each([
  ["", "Filter Buckets"],
  ["s3://papers/letters/", "Filter Objects"],
])("the dialog that browses S3 from %j begins in its filter", async (start, field) => {
  answers(s3Of(await signedIn()), {
    ListBuckets: { Buckets: [{ Name: "papers" }] },
    ListObjectsV2: { Contents: [{ Key: "letters/1.txt", Size: 1 }] },
  });
  const ignore = (): void => undefined;
  render(<S3Browser mode="read" start={start} onChoose={ignore} onDismiss={ignore} />, { wrapper: Frame });
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText(field)));
});
