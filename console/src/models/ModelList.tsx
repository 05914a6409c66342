import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { whyNoProgress } from "../jobs/hooks";
import { createJobPath } from "./arn";
import { MODEL_KINDS, type ModelKindId } from "./kinds";
import { type Dialog, ModelDialogs } from "./ModelDialogs";
import { canDelete, canStop, isTraining, isUsable, type Model } from "./model";
import { modelColumns } from "./modelColumns";
import { useModels } from "./queries";
import { useTrainingRuns } from "./runs";

interface Texts {
  readonly title: string;
  readonly teach: string;
}

const TEXTS: Readonly<Record<ModelKindId, Texts>> = {
  classifier: {
    title: "Classifiers",
    teach:
      "A classifier assigns your own labels to documents. Train one on a CSV file in a bucket, with a label and a text per row, and at least ten texts for each label.",
  },
  recognizer: {
    title: "Entity recognizers",
    teach:
      "An entity recognizer finds your own types of entities. Train one on documents in a bucket and a CSV file that says where the entities are, or a list of entities.",
  },
};

/** The models of a type, with actions for the chosen one. */
export function ModelList({ kind }: { readonly kind: ModelKindId }) {
  const { data, error, isPending, refetch } = useModels(kind);
  const [chosen, setChosen] = useState<string>();
  const [dialog, setDialog] = useState<Dialog>();
  const training = (data ?? []).filter(isTraining).map(({ arn }) => arn);
  const runs = useTrainingRuns(training);
  const model = data?.find(({ arn }) => arn === chosen);
  const { title, teach } = TEXTS[kind];
  const { label, createPath } = MODEL_KINDS[kind];
  return (
    <SpaceBetween size="m">
      {runs.error !== null && training.length > 0 && <Alert type="info">{whyNoProgress(runs.error)}</Alert>}
      <ResourceTable<Model>
        title={title}
        noun={label.toLowerCase()}
        items={data}
        columns={modelColumns(runs.data)}
        keyOf={({ arn }) => arn}
        loading={isPending}
        error={error ?? undefined}
        onRefresh={() => void refetch()}
        filterBy={["name", "version", "status", "language"]}
        selection="single"
        selected={model === undefined ? [] : [model]}
        onSelect={([picked]) => setChosen(picked?.arn)}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={model === undefined || !canStop(model)} onClick={() => setDialog("stop")}>
              Stop training
            </Button>
            <Button disabled={model === undefined || !canDelete(model)} onClick={() => setDialog("delete")}>
              Delete
            </Button>
            <RouterButton
              to={model === undefined ? "/jobs/create" : createJobPath(model.arn)}
              disabled={model === undefined || !isUsable(model)}
            >
              Use in a job
            </RouterButton>
            <RouterButton to={createPath} variant="primary">
              {`Train ${kind === "classifier" ? "a classifier" : "a recognizer"}`}
            </RouterButton>
          </SpaceBetween>
        }
        empty={
          <SpaceBetween size="s" alignItems="center">
            <b>{`No ${title.toLowerCase()}`}</b>
            <Box variant="p">{teach}</Box>
            <RouterButton to={createPath}>{`Train the first ${label.toLowerCase()}`}</RouterButton>
          </SpaceBetween>
        }
      />
      <ModelDialogs dialog={dialog} model={model} onDismiss={() => setDialog(undefined)} />
    </SpaceBetween>
  );
}
