import Button from "@cloudscape-design/components/button";
import { useMemo } from "react";
import { formatDuration, formatTime } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterLink } from "../components/RouterLink";
import { modelWords } from "../endpoints/endpoint";
import { modelPath } from "../models/arn";
import { Difference } from "../models/compare/Difference";
import { share } from "../models/compare/MetricPairs";
import { FlywheelStatus } from "./FlywheelStatus";
import { canActivate, type Flywheel, type Iteration, statusOf } from "./flywheel";

interface Props {
  readonly flywheel: Flywheel;
  readonly iterations: readonly Iteration[] | undefined;
  readonly error: unknown;
  readonly onRefresh: () => void;
  readonly chosen: Iteration | undefined;
  readonly onChoose: (id: string | undefined) => void;
  readonly onActivate: (iteration: Iteration) => void;
}

/** The history of a flywheel's iterations; the metrics of the chosen one are shown above. */
export function IterationTable(props: Props) {
  const { flywheel, iterations, error, onRefresh, chosen, onChoose, onActivate } = props;
  const { active } = flywheel;
  const columns = useMemo(() => columnsOf(active), [active]);
  return (
    <ResourceTable<Iteration>
      title="Iterations"
      noun="iteration"
      items={iterations}
      columns={columns}
      keyOf={({ id }) => id}
      loading={iterations === undefined}
      error={error}
      onRefresh={onRefresh}
      description="Each trains a new version with all training datasets. Choose one to see its metrics."
      selection="single"
      selected={chosen === undefined ? [] : [chosen]}
      onSelect={([picked]) => onChoose(picked?.id)}
      actions={
        <Button
          disabled={chosen === undefined || !canActivate(flywheel, chosen)}
          onClick={() => chosen !== undefined && onActivate(chosen)}
        >
          Make active
        </Button>
      }
      empty="No iteration has been started."
    />
  );
}

function columnsOf(active: string | undefined): Column<Iteration>[] {
  return [
    { id: "id", header: "Iteration", value: ({ id }) => id, cell: ({ id }) => <span className="whole-id">{id}</span> },
    {
      id: "status",
      header: "Status",
      value: ({ status }) => statusOf(status).label,
      cell: ({ status }) => <FlywheelStatus status={status} />,
    },
    {
      id: "trained",
      header: "New model",
      value: ({ trained }) => trained && modelWords(trained),
      cell: ({ trained }) =>
        trained === undefined ? (
          "-"
        ) : (
          <>
            <RouterLink to={modelPath(trained)}>{modelWords(trained)}</RouterLink>
            {trained === active && " (active)"}
          </>
        ),
    },
    {
      id: "f1",
      header: "F1 of the new model",
      value: ({ trainedMetrics }) => trainedMetrics?.AverageF1Score,
      cell: ({ trainedMetrics }) => share(trainedMetrics?.AverageF1Score),
    },
    {
      id: "active-f1",
      header: "F1 of the active model",
      value: ({ evaluatedMetrics }) => evaluatedMetrics?.AverageF1Score,
      cell: ({ evaluatedMetrics }) => share(evaluatedMetrics?.AverageF1Score),
    },
    {
      id: "difference",
      header: "Difference",
      cell: ({ evaluatedMetrics: one, trainedMetrics: other }) => (
        <Difference one={one?.AverageF1Score} other={other?.AverageF1Score} />
      ),
      width: 150,
    },
    {
      id: "started",
      header: "Started",
      value: ({ created }) => created?.getTime(),
      cell: ({ created }) => (created === undefined ? "-" : formatTime(created)),
    },
    { id: "took", header: "Took", value: took, cell: (each) => formatted(took(each)) },
  ];
}

function took({ created, ended }: Iteration): number | undefined {
  return created === undefined || ended === undefined ? undefined : ended.getTime() - created.getTime();
}

function formatted(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "-" : formatDuration(milliseconds);
}
