import Box from "@cloudscape-design/components/box";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useEffect, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted, formatNumber } from "../../components/format";
import type { JobProperties } from "../../jobs/properties";
import type { ResultKind } from "../../kinds/rows.generated";
import type { ResultFilter } from "../reading/filter";
import { DocumentList } from "./DocumentList";
import { DocumentPane } from "./DocumentPane";
import { FilterBar } from "./FilterBar";
import type { OpenArchive } from "./useArchive";
import type { InputTextsState } from "./useInputTexts";
import { type Selection, useSelection } from "./useSelection";

interface Props {
  readonly kind: ResultKind;
  readonly job: JobProperties;
  readonly archive: OpenArchive;
  readonly filter: ResultFilter;
  readonly texts: InputTextsState;
  readonly onFilter: (filter: ResultFilter) => void;
}

// Browsers do not draw elements of more than some ten million pixels, so a longer list is shown in pieces.
const PIECE = 100_000;

/** The documents that match the filter, with the chosen one beside them. */
export function DocumentsView({ kind, job, archive, filter, texts, onFilter }: Props) {
  const selection = useSelection(archive, filter, texts.version);
  const searching = filter.search.trim() !== "";
  const { load } = texts;
  useEffect(() => {
    if (searching) void load();
  }, [searching, load]);
  return (
    <SpaceBetween size="l">
      <FilterBar kind={kind} summary={archive.summary} filter={filter} onChange={onFilter} />
      <Status selection={selection} total={archive.summary.records} />
      {searching && texts.progress !== undefined && (
        <StatusIndicator type="loading">
          Reading the documents' text for the search, {Math.floor(texts.progress * 100)} %
        </StatusIndicator>
      )}
      {searching && texts.gap !== undefined && <StatusIndicator type="info">{texts.gap}</StatusIndicator>}
      {selection.error != null && <ErrorAlert what="The documents cannot be filtered" error={selection.error} />}
      {selection.numbers && selection.numbers.length > 0 && (
        <Chosen kind={kind} job={job} archive={archive} filter={filter} texts={texts} numbers={selection.numbers} />
      )}
      {selection.numbers?.length === 0 && !selection.busy && (
        <Box textAlign="center" padding="l">
          <b>No document matches.</b> Lower the minimum score, or clear a filter.
        </Box>
      )}
    </SpaceBetween>
  );
}

function Status({ selection: { numbers, busy, progress }, total }: { selection: Selection; total: number }) {
  return (
    <div aria-live="polite" data-testid="document-count">
      {busy ? (
        <StatusIndicator type="loading">
          {progress > 0 ? `Searching, ${Math.floor(progress * 100)} %` : "Filtering"}
        </StatusIndicator>
      ) : (
        numbers && `${formatNumber(numbers.length)} of ${counted(total, "document")}`
      )}
    </div>
  );
}

interface ChosenProps extends Omit<Props, "onFilter"> {
  readonly numbers: Uint32Array;
}

function Chosen({ kind, job, archive, filter, texts, numbers }: ChosenProps) {
  const [piece, setPiece] = useState(0);
  const [at, setAt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list starts at its first document.
  useEffect(() => {
    setPiece(0);
    setAt(0);
  }, [numbers]);
  const pieces = Math.ceil(numbers.length / PIECE);
  const shownPiece = Math.min(piece, pieces - 1);
  const shown = numbers.subarray(shownPiece * PIECE, (shownPiece + 1) * PIECE);
  const chosen = shown[Math.min(at, shown.length - 1)] as number;
  return (
    <SpaceBetween size="s">
      {pieces > 1 && (
        <Pagination
          currentPageIndex={shownPiece + 1}
          pagesCount={pieces}
          ariaLabels={{ pageLabel: (page) => `Documents from ${formatNumber((page - 1) * PIECE + 1)} on` }}
          onChange={({ detail }) => {
            setPiece(detail.currentPageIndex - 1);
            setAt(0);
          }}
        />
      )}
      <div className="documents">
        <DocumentList
          kind={kind}
          archive={archive}
          texts={texts.version}
          numbers={shown}
          at={Math.min(at, shown.length - 1)}
          onChoose={setAt}
        />
        <DocumentPane kind={kind} job={job} archive={archive} filter={filter} number={chosen} />
      </div>
    </SpaceBetween>
  );
}
