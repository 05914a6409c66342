import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs, { type TabsProps } from "@cloudscape-design/components/tabs";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { hasCode } from "../../api/errors";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatNumber } from "../../components/format";
import type { JobProperties } from "../../jobs/properties";
import type { ResultKind } from "../../kinds/rows.generated";
import { parseS3Uri } from "../archive/source";
import { NO_FILTER, type ResultFilter } from "../reading/filter";
import { DocumentsView } from "./DocumentsView";
import { ErrorsView } from "./ErrorsView";
import { FilesView } from "./FilesView";
import { OverviewView } from "./OverviewView";
import { ReadingProgress } from "./ReadingProgress";
import { TopicsView } from "./TopicsView";
import { type ResultView, readView, writeView } from "./urlState";
import { type OpenArchive, useArchive } from "./useArchive";
import { useInputTexts } from "./useInputTexts";

interface Props {
  readonly kind: ResultKind;
  readonly job: JobProperties;
}

/** The archive of a job: read with progress, then shown. */
export function ArchiveView({ kind, job }: Props) {
  const s3 = useS3();
  const byLine = job.InputDataConfig?.InputFormat !== "ONE_DOC_PER_FILE";
  const { state, stop, again } = useArchive(s3, parseS3Uri(job.OutputDataConfig?.S3Uri), kind, byLine);
  const { phase, archive, error, stopped } = state;
  if (phase === "reading") return <ReadingProgress state={state} onStop={stop} />;
  if (archive === undefined) return <NoArchive job={job} error={error} onRetry={again} />;
  return (
    <SpaceBetween size="l">
      {error != null && <ErrorAlert what="Not all of the archive could be read" error={error} onRetry={again} />}
      {stopped && (
        <Alert type="info" action={<Button onClick={again}>Read all of it</Button>}>
          Reading was stopped. The part that was read is shown.
        </Alert>
      )}
      <ArchiveTabs key={archive.id} kind={kind} job={job} archive={archive} />
    </SpaceBetween>
  );
}

function NoArchive({ job, error, onRetry }: { job: JobProperties; error: unknown; onRetry: () => void }) {
  // A HEAD has no body: a missing object's error is called NotFound there.
  if (hasCode(error, "NotFound", "NoSuchKey") && job.JobStatus === "STOPPED") {
    return (
      <Alert type="info" header="The job was stopped before it had written a result">
        Copy it as new to run it again.
      </Alert>
    );
  }
  if (hasCode(error, "NotFound", "NoSuchKey")) {
    return (
      <Alert
        type="error"
        header="The archive is not where the job wrote it"
        action={<Button onClick={onRetry}>Try again</Button>}
      >
        {job.OutputDataConfig?.S3Uri} does not exist any more. Restore it, or copy the job as new to run it again.
      </Alert>
    );
  }
  return <ErrorAlert what="The results cannot be read" error={error} onRetry={onRetry} />;
}

const WRITE_MILLISECONDS = 400;

/** The view, which is also in the address. The address is updated with a delay, as browsers refuse frequent changes. */
function useView() {
  const [parameters, setParameters] = useSearchParams();
  const [view, setView] = useState<ResultView>(() => readView(parameters));
  const written = writeView(view).toString();
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the view changes the address.
  useEffect(() => {
    const timer = window.setTimeout(() => {
      if (written !== new URLSearchParams(window.location.search).toString()) setParameters(written, { replace: true });
    }, WRITE_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [written]);
  return {
    ...view,
    setTab: (tab: string): void => setView((before) => ({ ...before, tab })),
    setFilter: (filter: ResultFilter): void => setView((before) => ({ ...before, filter })),
  };
}

function ArchiveTabs({ kind, job, archive }: Props & { readonly archive: OpenArchive }) {
  const { tab, filter, setTab, setFilter } = useView();
  const texts = useInputTexts(archive, job);
  const show = (part: Partial<ResultFilter>): void => {
    setFilter({ ...NO_FILTER, ...part });
    setTab("documents");
  };
  const { summary } = archive;
  const overview =
    kind === "topics" ? (
      <TopicsView summary={summary} onShow={show} />
    ) : (
      <OverviewView kind={kind} summary={summary} onShow={show} />
    );
  const tabs: TabsProps.Tab[] = [
    { id: "overview", label: kind === "topics" ? "Topics" : "Overview", content: overview },
    {
      id: "documents",
      label: `Documents (${formatNumber(summary.records)})`,
      content: (
        <DocumentsView kind={kind} job={job} archive={archive} filter={filter} texts={texts} onFilter={setFilter} />
      ),
    },
    {
      id: "errors",
      label: `Errors (${formatNumber(summary.errors)})`,
      content: <ErrorsView archive={archive} texts={texts.version} />,
    },
    {
      id: "files",
      label: "Files and downloads",
      content: <FilesView kind={kind} job={job} archive={archive} filter={filter} texts={texts} />,
    },
  ];
  return (
    <Tabs
      tabs={tabs}
      activeTabId={tab}
      onChange={({ detail }) => setTab(detail.activeTabId)}
      ariaLabel="Parts of the result"
    />
  );
}
