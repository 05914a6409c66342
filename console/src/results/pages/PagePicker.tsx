import Pagination from "@cloudscape-design/components/pagination";

interface Props {
  readonly pages: number;
  /** The page that is shown, from 1. */
  readonly page: number;
  readonly onChange: (page: number) => void;
}

/** Chooses the page of a document; nothing if it has only one. */
export function PagePicker({ pages, page, onChange }: Props) {
  if (pages <= 1) return null;
  return (
    <Pagination
      currentPageIndex={page}
      pagesCount={pages}
      onChange={({ detail }) => onChange(detail.currentPageIndex)}
      ariaLabels={{
        nextPageLabel: "Next page of the document",
        previousPageLabel: "Previous page of the document",
        pageLabel: (number) => `Page ${number} of the document`,
      }}
    />
  );
}
