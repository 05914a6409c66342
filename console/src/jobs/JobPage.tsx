import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Tabs from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { ComprehendTags } from "../components/tags/ComprehendTags";
import { compareJobsPath, whyNotComparable } from "../results/compare/comparable";
import { useRunAgain } from "./again/useRunAgain";
import { STORY_GROUP, useJob, useJobRun } from "./hooks";
import { JOB_KINDS, type JobKind, jobPath, kindOf } from "./kinds";
import { ContainersTable } from "./parts/ContainersTable";
import { FailureCallout } from "./parts/FailureCallout";
import { HostileText } from "./parts/HostileText";
import { LogView } from "./parts/LogView";
import { hasResults, isActive, type JobProperties, outcomeWords } from "./properties";
import { StopJobModal } from "./StopJobModal";
import { FilesTab } from "./tabs/FilesTab";
import { FlowTab } from "./tabs/FlowTab";
import { OverviewTab } from "./tabs/OverviewTab";
import { StoryTab } from "./tabs/StoryTab";

const ABOVE = [{ text: "Analysis jobs", href: "/jobs" }];

/** A job: its properties, its story, its containers, logs, flow records, files and tags. */
export default function JobPage() {
  const { kind: slug, id = "" } = useParams();
  const kind = kindOf(slug);
  if (kind === undefined) {
    return (
      <Page title="There is no such type of job" above={ABOVE}>
        <Box variant="p">
          The types are {JOB_KINDS.map((each) => each.slug).join(", ")}.{" "}
          <RouterLink to="/jobs">See all jobs.</RouterLink>
        </Box>
      </Page>
    );
  }
  return <KnownKind key={`${kind.slug}/${id}`} kind={kind} jobId={id} />;
}

function KnownKind({ kind, jobId }: { readonly kind: JobKind; readonly jobId: string }) {
  const { data, error, refetch } = useJob(kind, jobId);
  if (data !== undefined) return <Found kind={kind} job={data} jobId={jobId} error={error} />;
  return (
    <Page title={`Job ${jobId}`} above={ABOVE}>
      {error !== null ? (
        <ErrorAlert what="The job cannot be shown" error={error} onRetry={() => void refetch()} />
      ) : (
        <Box>
          <Spinner /> Loading the job
        </Box>
      )}
    </Page>
  );
}

interface FoundProps {
  readonly kind: JobKind;
  readonly job: JobProperties;
  readonly jobId: string;
  readonly error: unknown;
}

function Found({ kind, job, jobId, error }: FoundProps) {
  const [search, setSearch] = useSearchParams();
  const [stopping, setStopping] = useState(false);
  const again = useRunAgain();
  const active = isActive(job.JobStatus);
  const view = useJobRun(jobId, active, jobId);
  const events = view.events ?? [];
  const outcome = outcomeWords(job);
  const copy = `/jobs/create?copy=${kind.slug}/${encodeURIComponent(jobId)}`;
  const log = { group: view.run?.LogGroupName ?? STORY_GROUP, stream: view.run?.LogStreamName ?? jobId };
  const tabs = [
    { id: "overview", label: "Overview", content: <OverviewTab kind={kind} job={job} view={view} /> },
    { id: "story", label: "Story", content: <StoryTab view={view} active={active} /> },
    {
      id: "containers",
      label: "Containers and interfaces",
      content: (
        <ContainersTable
          containers={view.run?.Containers ?? []}
          events={events}
          active={active}
          loading={view.loading}
        />
      ),
    },
    { id: "log", label: "Log", content: <LogView {...log} active={active} /> },
    { id: "flow", label: "Flow records", content: <FlowTab job={job} view={view} active={active} /> },
    { id: "files", label: "Files", content: <FilesTab kind={kind} job={job} /> },
    { id: "tags", label: "Tags", content: <ComprehendTags arn={job.JobArn ?? ""} noun="job" /> },
  ];
  const requestedTab = search.get("tab");
  return (
    <Page
      title={job.JobName ?? `Job ${jobId}`}
      above={ABOVE}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {kind.Stop !== undefined && active && (
            <Button disabled={job.JobStatus === "STOP_REQUESTED"} onClick={() => setStopping(true)}>
              Stop
            </Button>
          )}
          {!active && (
            <Button loading={again.busy !== undefined} onClick={() => again.run({ kind, job })}>
              Run again
            </Button>
          )}
          <RouterButton to={copy}>Copy as new</RouterButton>
          {whyNotComparable({ kind, job }) === undefined && (
            <RouterButton to={compareJobsPath(kind.slug, jobId)}>Compare</RouterButton>
          )}
          {hasResults(job.JobStatus) && (
            <RouterButton variant="primary" to={`${jobPath(kind, jobId)}/results`}>
              Results
            </RouterButton>
          )}
        </SpaceBetween>
      }
    >
      {error !== null && <ErrorAlert what="The job cannot be refreshed" error={error} />}
      {job.JobStatus === "FAILED" && <FailureCallout job={job} copy={copy} />}
      {outcome !== undefined && (
        <Alert
          type="warning"
          header="Completed, but not for every document"
          action={<RouterButton to={`${jobPath(kind, jobId)}/results?tab=errors`}>Show the errors</RouterButton>}
          data-testid="outcome"
        >
          <HostileText text={outcome} />
        </Alert>
      )}
      <Tabs
        ariaLabel="About the job"
        tabs={tabs}
        activeTabId={tabs.some((tab) => tab.id === requestedTab) ? (requestedTab ?? "overview") : "overview"}
        onChange={({ detail }) => setSearch({ tab: detail.activeTabId }, { replace: true })}
      />
      {again.dialog}
      {stopping && <StopJobModal jobs={[{ kind, job }]} onClose={() => setStopping(false)} />}
    </Page>
  );
}
