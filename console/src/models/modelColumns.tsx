import { formatTime } from "../components/format";
import type { Column } from "../components/ResourceTable";
import { RouterLink } from "../components/RouterLink";
import { RunProgress } from "../jobs/JobProgress";
import type { JobRun } from "../jobs/runs";
import { modelPath } from "./arn";
import { ModelStatus } from "./ModelStatus";
import { isTraining, type Model, statusOf } from "./model";

const optional = (value: string | undefined): string => value ?? "-";

/** The columns of a list of models; ``runs`` has the progress of those in training. */
export function modelColumns(runs: ReadonlyMap<string, JobRun> | undefined): Column<Model>[] {
  return [
    {
      id: "name",
      header: "Name",
      cell: ({ arn, name }) => <RouterLink to={modelPath(arn)}>{name}</RouterLink>,
      value: ({ name }) => name,
    },
    {
      id: "version",
      header: "Version",
      cell: ({ version }) => optional(version),
      value: ({ version }) => version,
    },
    {
      id: "status",
      header: "Status",
      cell: ({ status }) => <ModelStatus status={status} />,
      value: ({ status }) => statusOf(status).label,
    },
    {
      id: "progress",
      header: "Training",
      cell: (model) => {
        const run = isTraining(model) ? runs?.get(model.arn) : undefined;
        return run === undefined ? "-" : <RunProgress run={run} name={model.name} />;
      },
    },
    {
      id: "language",
      header: "Language",
      cell: ({ language }) => optional(language),
      value: ({ language }) => language,
    },
    {
      id: "submitted",
      header: "Submitted",
      cell: ({ submitted }) => (submitted === undefined ? "-" : formatTime(submitted)),
      value: ({ submitted }) => submitted?.getTime(),
    },
    {
      id: "ended",
      header: "Ended",
      cell: ({ ended }) => (ended === undefined ? "-" : formatTime(ended)),
      value: ({ ended }) => ended?.getTime(),
    },
  ];
}
