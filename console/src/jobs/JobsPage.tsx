import "./jobs.css";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { counted, formatDuration, formatTime } from "../components/format";
import { Page } from "../components/Page";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { compareJobsPath, whyNotCompared } from "../results/compare/comparable";
import { type RunAgain, useRunAgain } from "./again/useRunAgain";
import { type ListedJob, useJobProgress, useJobs, whyNoProgress } from "./hooks";
import { JobProgress } from "./JobProgress";
import { jobPath, typeLabel } from "./kinds";
import { isActive, outcomeWords } from "./properties";
import { StatusLabel, statusWords } from "./StatusLabel";
import { StopJobModal } from "./StopJobModal";
import { canStop, whyNotStopped } from "./stopping";
import { boundsOf, submittedWithin } from "./within";

const COLUMNS: readonly Column<ListedJob>[] = [
  {
    id: "name",
    header: "Name",
    cell: ({ kind, job }) => (
      <>
        <RouterLink to={jobPath(kind, job.JobId ?? "")}>
          <bdi>{job.JobName ?? job.JobId}</bdi>
        </RouterLink>
        {/* The column of the status is out of sight in a narrow window. */}
        <div className="jobs-narrow">
          <StatusLabel status={job.JobStatus} />
        </div>
      </>
    ),
    value: ({ job }) => job.JobName ?? job.JobId,
  },
  {
    id: "status",
    header: "Status",
    cell: ({ job }) => (
      <>
        <span className="jobs-whole">
          <StatusLabel status={job.JobStatus} warned={outcomeWords(job) !== undefined} />
        </span>
        {outcomeWords(job) !== undefined && (
          <div>
            <bdi>{outcomeWords(job)}</bdi>
          </div>
        )}
      </>
    ),
    value: ({ job }) => statusWords(job.JobStatus),
    width: 168,
  },
  {
    id: "type",
    header: "Type",
    cell: ({ kind, job }) => typeLabel(kind, job),
    value: ({ kind, job }) => typeLabel(kind, job),
  },
  { id: "progress", header: "Progress", cell: ({ job }) => <JobProgress job={job} />, width: 192 },
  {
    id: "start",
    header: "Start",
    cell: ({ job }) => <Moment at={job.SubmitTime} />,
    value: ({ job }) => job.SubmitTime?.getTime(),
  },
  {
    id: "end",
    header: "End",
    cell: ({ job }) => <Moment at={job.EndTime} />,
    value: ({ job }) => job.EndTime?.getTime(),
  },
  {
    id: "took",
    header: "Took",
    cell: ({ job }) => {
      const took = lasted(job);
      return took === undefined ? "-" : formatDuration(took);
    },
    value: ({ job }) => lasted(job),
  },
  { id: "id", header: "Job ID", cell: ({ job }) => job.JobId, value: ({ job }) => job.JobId },
];

function Moment({ at }: { readonly at: Date | undefined }) {
  return <>{at === undefined ? "-" : formatTime(at)}</>;
}

const FILTERS = ["name", "type", "status", "id"];

const keyOf = ({ job }: ListedJob): string => job.JobArn ?? job.JobId ?? "";

function lasted(job: ListedJob["job"]): number | undefined {
  return job.SubmitTime && job.EndTime ? job.EndTime.getTime() - job.SubmitTime.getTime() : undefined;
}

/** Every job of every kind. */
export default function JobsPage() {
  const { jobs, errors, loading, more, reload } = useJobs();
  const [range, setRange] = useState<DateRangePickerProps.Value | null>(null);
  const [selectedKeys, setSelectedKeys] = useState<readonly string[]>([]);
  const [stopping, setStopping] = useState<readonly ListedJob[]>();
  const again = useRunAgain();
  const shown = useMemo(() => {
    const bounds = boundsOf(range, Date.now());
    return bounds === undefined ? jobs : jobs?.filter(({ job }) => submittedWithin(job, bounds));
  }, [jobs, range]);
  const chosen = useMemo(
    () => (selectedKeys.length === 0 ? [] : (shown ?? []).filter((each) => selectedKeys.includes(keyOf(each)))),
    [shown, selectedKeys],
  );
  return (
    <Page
      title="Analysis jobs"
      description="All jobs of every type: running, waiting and ended."
      actions={
        <RouterButton variant="primary" to="/jobs/create">
          Create job
        </RouterButton>
      }
    >
      {errors.map(({ kind, error }) => (
        <ErrorAlert
          key={kind.slug}
          what={`Jobs of the type ${kind.label} cannot be listed`}
          error={error}
          onRetry={reload}
        />
      ))}
      <ProgressNote jobs={jobs} />
      <FormField label="Submitted between" description="Leave empty to list all jobs.">
        <SubmittedPicker value={range} onChange={setRange} />
      </FormField>
      <ResourceTable
        title="Jobs"
        noun="job"
        items={shown}
        columns={COLUMNS}
        keyOf={keyOf}
        loading={loading}
        more={more}
        onRefresh={reload}
        filterBy={FILTERS}
        selection="multi"
        selected={chosen}
        onSelect={(items) => setSelectedKeys(items.map(keyOf))}
        actions={<Actions chosen={chosen} again={again} onStop={setStopping} />}
        empty={<Empty filtered={range !== null && (jobs?.length ?? 0) > 0} />}
      />
      {again.dialog}
      {stopping && <StopJobModal jobs={stopping} onClose={() => setStopping(undefined)} />}
    </Page>
  );
}

interface ActionsProps {
  readonly chosen: readonly ListedJob[];
  readonly again: RunAgain;
  readonly onStop: (jobs: readonly ListedJob[]) => void;
}

function Actions({ chosen, again, onStop }: ActionsProps) {
  const navigate = useNavigate();
  const stoppable = chosen.filter(canStop);
  const incomparable = whyNotCompared(chosen);
  // The list has the newest first, and a comparison the older one.
  const [newer, older] = chosen;
  const [only] = chosen;
  const copied = chosen.length === 1 ? only : undefined;
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Button
        disabled={stoppable.length === 0}
        disabledReason={whyNotStopped(chosen)}
        onClick={() => onStop(stoppable)}
      >
        {stoppable.length > 1 ? `Stop ${counted(stoppable.length, "job")}` : "Stop"}
      </Button>
      <Button
        disabled={incomparable !== undefined}
        disabledReason={incomparable ?? ""}
        onClick={() =>
          newer && older && navigate(compareJobsPath(newer.kind.slug, older.job.JobId ?? "", newer.job.JobId))
        }
      >
        Compare
      </Button>
      <Button
        disabled={copied === undefined || isActive(copied.job.JobStatus)}
        disabledReason={copied === undefined ? whyNotOne(chosen) : "This job has not ended yet."}
        loading={again.busy !== undefined}
        onClick={() => copied && again.run(copied)}
      >
        Run again
      </Button>
      {copied === undefined ? (
        <Button disabled disabledReason={whyNotOne(chosen)}>
          Copy as new
        </Button>
      ) : (
        <RouterButton to={`/jobs/create?copy=${copied.kind.slug}/${encodeURIComponent(copied.job.JobId ?? "")}`}>
          Copy as new
        </RouterButton>
      )}
    </SpaceBetween>
  );
}

function whyNotOne(chosen: readonly ListedJob[]): string {
  return chosen.length === 0 ? "Choose a job first." : "Choose one job only.";
}

/** Says once, above the list, why no row shows progress. */
function ProgressNote({ jobs }: { readonly jobs: readonly ListedJob[] | undefined }) {
  const active = jobs?.find(({ job }) => isActive(job.JobStatus));
  const { error } = useJobProgress(active?.job.JobId ?? "", active !== undefined);
  const why = active === undefined ? undefined : whyNoProgress(error);
  return why === undefined ? null : <Alert type="info">{why}</Alert>;
}

function Empty({ filtered }: { readonly filtered: boolean }) {
  if (filtered) return <Box>No job was submitted in that time.</Box>;
  return (
    <SpaceBetween size="s">
      <b>No jobs yet</b>
      <Box variant="p">
        A job reads the documents below an S3 prefix, analyzes them in a container inside your VPC, and writes an
        archive of results to S3.
      </Box>
      <RouterButton to="/jobs/create">Create your first job</RouterButton>
    </SpaceBetween>
  );
}

interface PickerProps {
  readonly value: DateRangePickerProps.Value | null;
  readonly onChange: (value: DateRangePickerProps.Value | null) => void;
}

function SubmittedPicker({ value, onChange }: PickerProps) {
  return (
    <DateRangePicker
      value={value}
      onChange={({ detail }) => onChange(detail.value)}
      placeholder="At any time"
      relativeOptions={[
        { key: "hour", amount: 1, unit: "hour", type: "relative" },
        { key: "day", amount: 1, unit: "day", type: "relative" },
        { key: "week", amount: 1, unit: "week", type: "relative" },
        { key: "month", amount: 1, unit: "month", type: "relative" },
      ]}
      isValidRange={(range) =>
        range?.type === "absolute" && range.endDate < range.startDate
          ? { valid: false, errorMessage: "The end is before the start." }
          : { valid: true }
      }
    />
  );
}
