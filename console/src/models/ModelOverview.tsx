import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { formatDuration, formatTime } from "../components/format";
import { RouterLink } from "../components/RouterLink";
import { RoleLink, StorageLink } from "../jobs/parts/ResourceLinks";
import { IdLinks } from "../vpc/IdLink";
import { modelPath } from "./arn";
import { MODEL_KINDS } from "./kinds";
import { ModelStatus } from "./ModelStatus";
import type { Model } from "./model";
import { flatten } from "./properties";

/** The words of the form for members of InputDataConfig; the others keep their names. */
const INPUT_LABELS: Readonly<Record<string, string>> = {
  DataFormat: "Data format",
  LabelDelimiter: "Delimiter of labels",
  S3Uri: "Training dataset",
  TestS3Uri: "Test dataset",
  "Documents.S3Uri": "Training documents",
  "Documents.TestS3Uri": "Test documents",
  "Documents.InputFormat": "Input format",
  "Annotations.S3Uri": "Annotations",
  "Annotations.TestS3Uri": "Test annotations",
  "EntityList.S3Uri": "Entity list",
};
const OUTPUT_LABELS: Readonly<Record<string, string>> = { S3Uri: "Output location" };
const MODE_WORDS: Readonly<Record<string, string>> = { MULTI_CLASS: "Single-label", MULTI_LABEL: "Multi-label" };

/** Every property of a model. */
export function ModelOverview({ model }: { readonly model: Model }) {
  const properties = model.classifier ?? model.recognizer;
  const input = flatten(properties?.InputDataConfig);
  const output = flatten(properties?.OutputDataConfig);
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Model</Header>}>
        <KeyValuePairs columns={3} items={generalItems(model)} />
      </Container>
      <Container header={<Header variant="h2">Training data and output</Header>}>
        <KeyValuePairs
          columns={2}
          items={
            input.length + output.length === 0
              ? [{ label: "Training data", value: "The training data of an imported model's source is not known." }]
              : [
                  ...input.map((row) => ({
                    label: INPUT_LABELS[row.name] ?? row.name,
                    value: <StorageLink uri={row.value} />,
                  })),
                  ...output.map((row) => ({
                    label: OUTPUT_LABELS[row.name] ?? row.name,
                    value: <StorageLink uri={row.value} />,
                  })),
                  ...(output.length === 0 && model.kind === "classifier"
                    ? [{ label: "Output location", value: "None: the training wrote no confusion matrix." }]
                    : []),
                ]
          }
        />
      </Container>
      <Container header={<Header variant="h2">Access and network</Header>}>
        <KeyValuePairs columns={3} items={accessItems(model)} />
      </Container>
    </SpaceBetween>
  );
}

function generalItems(model: Model): KeyValuePairsProps.Item[] {
  const { classifier, recognizer } = model;
  const trained = classifier?.ClassifierMetadata ?? recognizer?.RecognizerMetadata;
  const took =
    model.trainingStarted && model.trainingEnded
      ? formatDuration(model.trainingEnded.getTime() - model.trainingStarted.getTime())
      : undefined;
  return pairs([
    ["Name", <bdi key="name">{model.name}</bdi>],
    ["Version", model.version],
    ["Type", MODEL_KINDS[model.kind].label],
    ["Status", <ModelStatus key="status" status={model.status} />],
    ["Language", model.language],
    ["Mode", MODE_WORDS[classifier?.Mode ?? ""] ?? classifier?.Mode],
    [
      "ARN",
      <span key="arn" className="mono">
        {model.arn}
      </span>,
    ],
    ["Submitted", moment(model.submitted)],
    ["Training started", moment(model.trainingStarted)],
    ["Training ended", moment(model.trainingEnded)],
    ["Training took", took],
    ["Ended", moment(model.ended)],
    [
      "Imported from",
      model.source && (
        <RouterLink key="source" to={modelPath(model.source)}>
          {model.source}
        </RouterLink>
      ),
    ],
    ["Labels", classifier?.ClassifierMetadata?.NumberOfLabels],
    ["Trained documents", trained?.NumberOfTrainedDocuments],
    ["Test documents", trained?.NumberOfTestDocuments],
    ["Model encryption key", classifier?.ModelKmsKeyId ?? recognizer?.ModelKmsKeyId],
    ["Volume encryption key", classifier?.VolumeKmsKeyId ?? recognizer?.VolumeKmsKeyId],
  ]);
}

function accessItems({ role, subnets, groups }: Model): KeyValuePairsProps.Item[] {
  const linked = (ids: readonly string[]): ReactNode => (ids.length === 0 ? "None" : <IdLinks ids={ids} />);
  return pairs([
    ["Data access role", role === undefined ? "None" : <RoleLink key="role" arn={role} />],
    ["Subnets", linked(subnets)],
    ["Security groups", linked(groups)],
  ]);
}

function pairs(rows: readonly (readonly [string, ReactNode])[]): KeyValuePairsProps.Item[] {
  return rows.flatMap(([label, value]) => (value === undefined || value === "" ? [] : [{ label, value }]));
}

function moment(date: Date | undefined): string | undefined {
  return date === undefined ? undefined : formatTime(date, true);
}
