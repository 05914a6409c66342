import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { formatDuration, formatTime } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { type RunAgain, useRunAgain } from "../jobs/again/useRunAgain";
import { jobPath, typeLabel } from "../jobs/kinds";
import { hasResults, outcomeWords } from "../jobs/properties";
import { StatusLabel } from "../jobs/StatusLabel";
import { modelPath } from "../models/arn";
import { MODEL_KINDS } from "../models/kinds";
import { ModelStatus } from "../models/ModelStatus";
import { deletionWord } from "../models/model";
import type { Ended } from "./activity";

interface Props {
  readonly ended: readonly Ended[];
}

/** What ended last, with its results and a way to run it again. */
export function EndedTable({ ended }: Props) {
  const { busy, run, dialog } = useRunAgain();
  // The columns change only with the job that is being prepared.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the function is a new one each time, with the same effect.
  const columns = useMemo(() => [...COLUMNS, nextColumn({ busy, run })], [busy]);
  return (
    <>
      <ResourceTable
        title="Ended last"
        noun="ended item"
        name="home-ended"
        items={ended}
        columns={columns}
        keyOf={keyOf}
        short
        actions={<RouterButton to="/jobs">All jobs</RouterButton>}
        empty={
          <SpaceBetween size="s" alignItems="center">
            <Box>No job has ended yet.</Box>
            <RouterButton to="/jobs/create">Create your first job</RouterButton>
          </SpaceBetween>
        }
      />
      {dialog}
    </>
  );
}

function keyOf(ended: Ended): string {
  return ended.what === "job" ? (ended.listed.job.JobArn ?? ended.listed.job.JobId ?? "") : ended.model.arn;
}

const COLUMNS: readonly Column<Ended>[] = [
  { id: "name", header: "Name", cell: (each) => <Name ended={each} />, value: nameOf },
  { id: "what", header: "What", cell: whatOf, value: whatOf },
  { id: "status", header: "Status", cell: (each) => <Status ended={each} />, width: 168 },
  {
    id: "end",
    header: "Ended",
    cell: (each) => <End ended={each} />,
    value: (each) => timesOf(each)[1]?.getTime(),
    width: 170,
  },
];

function nextColumn(again: Pick<RunAgain, "busy" | "run">): Column<Ended> {
  return { id: "next", header: "Next", cell: (each) => <Next ended={each} {...again} />, width: 176 };
}

function nameOf(ended: Ended): string {
  return ended.what === "job" ? (ended.listed.job.JobName ?? ended.listed.job.JobId ?? "") : deletionWord(ended.model);
}

function Name({ ended }: { readonly ended: Ended }) {
  const to =
    ended.what === "job" ? jobPath(ended.listed.kind, ended.listed.job.JobId ?? "") : modelPath(ended.model.arn);
  return (
    <RouterLink to={to}>
      <bdi>{nameOf(ended)}</bdi>
    </RouterLink>
  );
}

function whatOf(ended: Ended): string {
  return ended.what === "job" ? typeLabel(ended.listed.kind, ended.listed.job) : MODEL_KINDS[ended.model.kind].label;
}

function Status({ ended }: { readonly ended: Ended }) {
  if (ended.what === "model") return <ModelStatus status={ended.model.status} />;
  const { job } = ended.listed;
  const outcome = outcomeWords(job);
  return (
    <>
      <StatusLabel status={job.JobStatus} warned={outcome !== undefined} />
      {outcome !== undefined && (
        <div>
          <bdi>{outcome}</bdi>
        </div>
      )}
    </>
  );
}

function End({ ended }: { readonly ended: Ended }) {
  const [from, until] = timesOf(ended);
  if (until === undefined) return <>-</>;
  return (
    <>
      {formatTime(until)}
      {from !== undefined && (
        <Box color="text-body-secondary" fontSize="body-s">
          took {formatDuration(until.getTime() - from.getTime())}
        </Box>
      )}
    </>
  );
}

function timesOf(ended: Ended): readonly [Date | undefined, Date | undefined] {
  return ended.what === "job"
    ? [ended.listed.job.SubmitTime, ended.listed.job.EndTime]
    : [ended.model.submitted, ended.model.ended];
}

interface NextProps extends Pick<RunAgain, "busy" | "run"> {
  readonly ended: Ended;
}

function Next({ ended, busy, run }: NextProps) {
  if (ended.what === "model") return <>-</>;
  const { kind, job } = ended.listed;
  const name = nameOf(ended);
  return (
    <SpaceBetween direction="horizontal" size="m">
      {hasResults(job.JobStatus) && (
        <RouterLink to={`${jobPath(kind, job.JobId ?? "")}/results`} ariaLabel={`Results of ${name}`}>
          Results
        </RouterLink>
      )}
      <Button
        variant="inline-link"
        ariaLabel={`Run ${name} again`}
        loading={busy === job.JobId}
        onClick={() => run(ended.listed)}
      >
        Run again
      </Button>
    </SpaceBetween>
  );
}
