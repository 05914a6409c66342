import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useS3 } from "../../api/s3";
import { readRange } from "../archive/source";
import type { InputFile } from "../document/inputFiles";
import { imageType } from "./image";
import type { Pdf } from "./pdf";

/** What the pages of a document are drawn from. */
export type PageSource =
  | { readonly kind: "pdf"; readonly pdf: Pdf }
  | { readonly kind: "image"; readonly url: string }
  | { readonly kind: "none"; readonly reason: string };

/** Files that jobs read are no larger. */
const MOST_BYTES = 52_428_800;

/** The document of an object of the input, opened to draw its pages. It is closed when another one is shown. */
export function usePageSource(
  file: InputFile,
  format: string,
): { source: PageSource | undefined; error: unknown; again: () => void } {
  const s3 = useS3();
  const [source, setSource] = useState<PageSource>();
  const [fault, setFault] = useState<unknown>();
  const large = file.size > MOST_BYTES;
  const { data, error, refetch } = useQuery({
    queryKey: ["s3", "GetObject", "pages", file.bucket, file.key, file.etag],
    queryFn: ({ signal }) => readRange(s3, file, 0, file.size, signal),
    enabled: !large && file.size > 0,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
    retry: false,
  });
  useEffect(() => {
    setSource(undefined);
    setFault(undefined);
    if (data === undefined) return;
    let left = false;
    let close = (): void => undefined;
    open(data, format).then(
      (opened) => {
        if (left) closeSource(opened);
        else {
          close = () => closeSource(opened);
          setSource(opened);
        }
      },
      (thrown: unknown) => {
        if (!left) setFault(thrown);
      },
    );
    return () => {
      left = true;
      close();
    };
  }, [data, format]);
  if (large) {
    return {
      source: { kind: "none", reason: "The file is too large to be drawn." },
      error: undefined,
      again: () => {},
    };
  }
  return { source, error: error ?? fault, again: () => void refetch() };
}

async function open(bytes: Uint8Array, format: string): Promise<PageSource> {
  if (format === "pdf") {
    // Its code is larger than the rest of the page, and most documents have no pages.
    const { Pdf } = await import("./pdf");
    // The bytes are handed to a worker, and this copy stays for another look.
    return { kind: "pdf", pdf: await Pdf.open(bytes.slice()) };
  }
  const type = imageType(bytes);
  if (type === undefined) {
    return { kind: "none", reason: "Browsers show only PNG and JPEG. The text that was recognised is below." };
  }
  return { kind: "image", url: URL.createObjectURL(new Blob([bytes.slice()], { type })) };
}

function closeSource(source: PageSource): void {
  if (source.kind === "pdf") source.pdf.close();
  if (source.kind === "image") URL.revokeObjectURL(source.url);
}
