import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { formatNumber } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { ConfusionReportView } from "./ConfusionReportView";
import { MetricsTable } from "./MetricsTable";
import { classifierMetrics, formatPercent, recognizerMetrics, type TypeRow, typeRows } from "./metrics";
import { isMoving, type Model } from "./model";

/** The metrics of a model on its test documents. */
export function ModelMetrics({ model }: { readonly model: Model }) {
  const { classifier, recognizer } = model;
  const metadata = classifier?.ClassifierMetadata ?? recognizer?.RecognizerMetadata;
  if (metadata === undefined) {
    return (
      <Alert type="info" header="There are no metrics">
        {isMoving(model)
          ? "They are available when the training has ended."
          : "Only a trained model has metrics. The message above says why this one has none."}
      </Alert>
    );
  }
  const tested = metadata.NumberOfTestDocuments ?? 0;
  return (
    <SpaceBetween size="l">
      <Box variant="p">
        Measured on {formatNumber(tested)} test documents that the training did not see.
        {tested < 100 && " Results of so few documents are rough: a single document changes them."}
      </Box>
      {classifier !== undefined && (
        <SpaceBetween size="l">
          <MetricsTable
            title="Performance"
            metrics={classifierMetrics(classifier.ClassifierMetadata?.EvaluationMetrics)}
          />
          <ConfusionReportView output={classifier.OutputDataConfig?.S3Uri} />
        </SpaceBetween>
      )}
      {recognizer !== undefined && (
        <SpaceBetween size="l">
          <MetricsTable
            title="Performance"
            metrics={recognizerMetrics(recognizer.RecognizerMetadata?.EvaluationMetrics)}
          />
          <ResourceTable
            title="Entity types"
            noun="type"
            items={typeRows(recognizer.RecognizerMetadata)}
            keyOf={({ type }) => type}
            columns={TYPE_COLUMNS}
            empty="The training reports no types."
          />
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}

const percent = (id: "precision" | "recall" | "f1", header: string): Column<TypeRow> => ({
  id,
  header,
  cell: (row) => formatPercent(row[id]),
  value: (row) => row[id],
});

const TYPE_COLUMNS: Column<TypeRow>[] = [
  { id: "type", header: "Type", cell: ({ type }) => <bdi>{type}</bdi>, value: ({ type }) => type },
  percent("precision", "Precision"),
  percent("recall", "Recall"),
  percent("f1", "F1 score"),
  {
    id: "mentions",
    header: "Mentions in training",
    cell: ({ mentions }) => (mentions === undefined ? "-" : formatNumber(mentions)),
    value: ({ mentions }) => mentions,
  },
];
