import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { formatTime } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { statusOf } from "../endpoints/endpoint";
import { JobProgress, RunProgress } from "../jobs/JobProgress";
import { jobPath, typeLabel } from "../jobs/kinds";
import type { JobRun } from "../jobs/runs";
import { StatusLabel } from "../jobs/StatusLabel";
import { modelPath } from "../models/arn";
import { MODEL_KINDS } from "../models/kinds";
import { ModelStatus } from "../models/ModelStatus";
import { deletionWord, isTraining } from "../models/model";
import { useTrainingRuns } from "../models/runs";
import type { Running } from "./activity";

/** What runs now, with its progress. */
export function RunningTable({ running }: { readonly running: readonly Running[] }) {
  const training = running.flatMap((each) => (each.what === "model" && isTraining(each.model) ? [each.model.arn] : []));
  const runs = useTrainingRuns(training);
  return (
    <ResourceTable
      title="Running now"
      noun="running item"
      name="home-running"
      items={running}
      columns={columns(runs.data)}
      keyOf={keyOf}
      pageSize={10}
      empty={
        <SpaceBetween size="s" alignItems="center">
          <Box>Nothing is running.</Box>
          <RouterButton to="/jobs/create">Create a job</RouterButton>
        </SpaceBetween>
      }
    />
  );
}

function keyOf(running: Running): string {
  if (running.what === "job") return running.listed.job.JobArn ?? running.listed.job.JobId ?? "";
  return running.what === "model" ? running.model.arn : running.endpoint.arn;
}

function columns(runs: ReadonlyMap<string, JobRun> | undefined): Column<Running>[] {
  return [
    { id: "name", header: "Name", cell: (each) => <Name running={each} />, value: nameOf },
    { id: "what", header: "What", cell: whatOf, value: whatOf },
    { id: "status", header: "Status", cell: (each) => <Status running={each} />, width: 168 },
    { id: "progress", header: "Progress", cell: (each) => <Progress running={each} runs={runs} />, width: 192 },
    {
      id: "since",
      header: "Submitted",
      cell: (each) => {
        const at = submittedAt(each);
        return at === undefined ? "-" : formatTime(at);
      },
      value: (each) => submittedAt(each)?.getTime(),
    },
  ];
}

function nameOf(running: Running): string {
  if (running.what === "job") return running.listed.job.JobName ?? running.listed.job.JobId ?? "";
  return running.what === "model" ? deletionWord(running.model) : running.endpoint.name;
}

function Name({ running }: { readonly running: Running }) {
  const name = <bdi>{nameOf(running)}</bdi>;
  return <RouterLink to={pathOf(running)}>{name}</RouterLink>;
}

function pathOf(running: Running): string {
  if (running.what === "job") return jobPath(running.listed.kind, running.listed.job.JobId ?? "");
  return running.what === "model" ? modelPath(running.model.arn) : "/model-endpoints";
}

function whatOf(running: Running): string {
  if (running.what === "job") return typeLabel(running.listed.kind, running.listed.job);
  return running.what === "model" ? MODEL_KINDS[running.model.kind].label : "Model endpoint";
}

function Status({ running }: { readonly running: Running }) {
  if (running.what === "job") return <StatusLabel status={running.listed.job.JobStatus} />;
  if (running.what === "model") return <ModelStatus status={running.model.status} />;
  const { type, label } = statusOf(running.endpoint.status);
  return <StatusIndicator type={type}>{label}</StatusIndicator>;
}

interface ProgressProps {
  readonly running: Running;
  readonly runs: ReadonlyMap<string, JobRun> | undefined;
}

function Progress({ running, runs }: ProgressProps) {
  if (running.what === "job") return <JobProgress job={running.listed.job} />;
  const run = running.what === "model" ? runs?.get(running.model.arn) : undefined;
  return run === undefined ? <>-</> : <RunProgress run={run} name={nameOf(running)} />;
}

function submittedAt(running: Running): Date | undefined {
  if (running.what === "job") return running.listed.job.SubmitTime;
  return running.what === "model" ? running.model.submitted : undefined;
}
