import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted, formatDuration } from "../../components/format";
import { Page } from "../../components/Page";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { RouterButton } from "../../components/RouterButton";
import { RouterLink } from "../../components/RouterLink";
import { type ListedJob, useJobsByName } from "../hooks";
import { JobProgress } from "../JobProgress";
import { jobPath, typeLabel } from "../kinds";
import { RoleLink, StorageLink } from "../parts/ResourceLinks";
import { hasResults, isActive, outcomeWords } from "../properties";
import { StatusLabel } from "../StatusLabel";
import { StopJobModal } from "../StopJobModal";
import { canStop } from "../stopping";
import { jobsOfAddress } from "./address";

const ABOVE = [{ text: "Analysis jobs", href: "/jobs" }];

/** The jobs that were started together over one input, with their progress until all have ended. */
export default function SeveralPage() {
  const [parameters] = useSearchParams();
  const named = jobsOfAddress(parameters);
  const { jobs, errors, loading, reload } = useJobsByName(named);
  const [stopping, setStopping] = useState<readonly ListedJob[]>();
  const stoppable = jobs.filter(canStop);
  const input = jobs[0]?.job.InputDataConfig?.S3Uri;
  if (named.length === 0) {
    return (
      <Page title="Several analyses" above={ABOVE}>
        <Alert type="warning" header="This address names no job">
          See <RouterLink to="/jobs">all jobs</RouterLink>.
        </Alert>
      </Page>
    );
  }
  return (
    <Page
      title="Several analyses"
      above={ABOVE}
      description="One job for each analysis, all over the same input. Keep the address to come back."
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button disabled={stoppable.length === 0} onClick={() => setStopping(stoppable)}>
            Stop all
          </Button>
          <RouterButton to={`/jobs/create-several${input === undefined ? "" : `?${new URLSearchParams({ input })}`}`}>
            Analyze again
          </RouterButton>
        </SpaceBetween>
      }
    >
      {errors.map(({ id, error }) => (
        <ErrorAlert key={id} what={`The job ${id} cannot be read`} error={error} onRetry={reload} />
      ))}
      <Container header={<Header variant="h2">Together</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            {
              label: "State",
              value: (
                <LiveRegion>
                  <Together jobs={jobs} />
                </LiveRegion>
              ),
            },
            { label: "Input", value: <StorageLink uri={input} /> },
            { label: "Data access role", value: <RoleLink arn={jobs[0]?.job.DataAccessRoleArn} /> },
          ]}
        />
      </Container>
      <ResourceTable
        title="Jobs"
        noun="job"
        name="several-jobs"
        items={jobs}
        columns={COLUMNS}
        keyOf={keyOf}
        loading={loading}
        short
        empty="The jobs cannot be read."
      />
      {stopping && <StopJobModal jobs={stopping} onClose={() => setStopping(undefined)} />}
    </Page>
  );
}

function Together({ jobs }: { readonly jobs: readonly ListedJob[] }) {
  const { type, words } = stateOf(jobs);
  return <StatusIndicator type={type}>{words}</StatusIndicator>;
}

/** The state of all jobs in one line. */
export function stateOf(jobs: readonly ListedJob[]): {
  readonly type: StatusIndicatorProps.Type;
  readonly words: string;
} {
  const active = jobs.filter(({ job }) => isActive(job.JobStatus)).length;
  if (active > 0)
    return { type: "in-progress", words: `${jobs.length - active} of ${counted(jobs.length, "job")} ended` };
  const unsuccessful = jobs.filter(({ job }) => job.JobStatus !== "COMPLETED").length;
  if (unsuccessful > 0)
    return { type: "warning", words: `All have ended; ${unsuccessful} of ${jobs.length} did not complete` };
  return { type: "success", words: `All ${jobs.length} have completed` };
}

const keyOf = ({ kind, job }: ListedJob): string => `${kind.slug}/${job.JobId}`;

const COLUMNS: readonly Column<ListedJob>[] = [
  {
    id: "type",
    header: "Analysis",
    cell: ({ kind, job }) => <RouterLink to={jobPath(kind, job.JobId ?? "")}>{typeLabel(kind, job)}</RouterLink>,
    value: ({ kind, job }) => typeLabel(kind, job),
  },
  {
    id: "status",
    header: "Status",
    cell: ({ job }) => (
      <>
        <StatusLabel status={job.JobStatus} warned={outcomeWords(job) !== undefined} />
        <div>
          <bdi>{outcomeWords(job) ?? (job.JobStatus === "FAILED" ? job.Message : undefined)}</bdi>
        </div>
      </>
    ),
    width: 220,
  },
  { id: "progress", header: "Progress", cell: ({ job }) => <JobProgress job={job} />, width: 220 },
  {
    id: "took",
    header: "Took",
    cell: ({ job }) =>
      job.SubmitTime && job.EndTime ? formatDuration(job.EndTime.getTime() - job.SubmitTime.getTime()) : "-",
  },
  {
    id: "results",
    header: "Results",
    cell: ({ kind, job }) =>
      hasResults(job.JobStatus) ? (
        <RouterLink to={`${jobPath(kind, job.JobId ?? "")}/results`} ariaLabel={`Results of ${typeLabel(kind, job)}`}>
          Results
        </RouterLink>
      ) : (
        "-"
      ),
  },
  {
    id: "name",
    header: "Name",
    cell: ({ job }) => <bdi>{job.JobName ?? job.JobId}</bdi>,
    value: ({ job }) => job.JobName,
  },
];
