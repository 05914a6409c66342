import Alert from "@cloudscape-design/components/alert";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatDuration, formatNumber, formatTime } from "../../components/format";
import { type Fact, SideBySide } from "../../components/SideBySide";
import { type JobKind, modelArnOf } from "../../jobs/kinds";
import type { JobProperties } from "../../jobs/properties";
import { RESULTS } from "../../kinds/rows.generated";
import { parseS3Uri } from "../archive/source";
import { ReadingProgress } from "../views/ReadingProgress";
import { type ArchiveState, useArchive } from "../views/useArchive";
import { ComparisonView } from "./ComparisonView";
import { useComparison } from "./useComparison";

interface Props {
  readonly kind: JobKind;
  readonly one: JobProperties;
  readonly other: JobProperties;
  readonly names: readonly [string, string];
}

/** The results of two jobs, read from their archives, and what differs between the jobs themselves. */
export function ResultsSideBySide({ kind, one, other, names }: Props) {
  const first = useResults(kind, one);
  const second = useResults(kind, other);
  const comparison = useComparison(first.state, second.state);
  const [left, right] = useMemo(
    () => [factsOf(kind, one, first.state), factsOf(kind, other, second.state)],
    [kind, one, other, first.state, second.state],
  );
  return (
    <SpaceBetween size="l">
      {one.InputDataConfig?.S3Uri !== other.InputDataConfig?.S3Uri && (
        <Alert type="info" header="The jobs read different inputs">
          Documents are taken for the same if the names of their files are, and their lines.
        </Alert>
      )}
      {[first, second].map(({ state, stop, again }, at) => (
        <Reading key={names[at]} name={names[at] ?? ""} state={state} onStop={stop} onRetry={again} />
      ))}
      {comparison.isFetching && (
        <ProgressBar label="Comparing the documents" value={Math.floor(comparison.progress * 100)} />
      )}
      {comparison.error !== null && (
        <ErrorAlert
          what="The results cannot be compared"
          error={comparison.error}
          onRetry={() => void comparison.refetch()}
        />
      )}
      {comparison.data !== undefined && first.state.archive !== undefined && second.state.archive !== undefined && (
        <ComparisonView
          kind={kind}
          comparison={comparison.data}
          summaries={[first.state.archive.summary, second.state.archive.summary]}
          ids={[one.JobId ?? "", other.JobId ?? ""]}
          names={names}
        />
      )}
      <SideBySide title="Jobs" sides={names} one={left} other={right} />
    </SpaceBetween>
  );
}

function useResults(kind: JobKind, job: JobProperties) {
  const byLine = job.InputDataConfig?.InputFormat !== "ONE_DOC_PER_FILE";
  return useArchive(useS3(), parseS3Uri(job.OutputDataConfig?.S3Uri), kind.slug, byLine);
}

interface ReadingProps {
  readonly name: string;
  readonly state: ArchiveState;
  readonly onStop: () => void;
  readonly onRetry: () => void;
}

function Reading({ name, state, onStop, onRetry }: ReadingProps) {
  if (state.phase === "reading") return <ReadingProgress state={state} onStop={onStop} />;
  if (state.error === undefined) return null;
  const what =
    state.archive === undefined ? `The results of ${name} cannot be read` : `Not all results of ${name} could be read`;
  return <ErrorAlert what={what} error={state.error} onRetry={onRetry} />;
}

function factsOf(kind: JobKind, job: JobProperties, { archive }: ArchiveState): Fact[] {
  const count = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : formatNumber(value);
  const took = job.SubmitTime && job.EndTime ? job.EndTime.getTime() - job.SubmitTime.getTime() : undefined;
  return [
    ["Documents", count(archive?.summary.records)],
    ["Documents with an error", count(archive?.summary.errors)],
    [`Found ${RESULTS[kind.slug].many}`, count(archive?.summary.findings)],
    ["Submitted", job.SubmitTime && formatTime(job.SubmitTime)],
    ["Took", took === undefined ? undefined : formatDuration(took)],
    ["Input", job.InputDataConfig?.S3Uri],
    ["Input format", job.InputDataConfig?.InputFormat],
    ["Language", job.LanguageCode],
    ["Model", modelArnOf(kind, job)],
    ["Data access role", job.DataAccessRoleArn],
    ["Subnets", job.VpcConfig?.Subnets?.join(", ")],
    ["Security groups", job.VpcConfig?.SecurityGroupIds?.join(", ")],
  ];
}
