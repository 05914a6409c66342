import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../api/s3";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatNumber } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import {
  ConfusionMatrix,
  type ConfusionReport,
  type LabelScores,
  labelScores,
  parseS3Uri,
  readArchive,
  readConfusionReport,
} from "../results/parts";

const MEMBER = "confusion_matrix.json";

/** The report of a classifier's training, from the archive at its output location; without one there is none to read. */
export function useConfusionReport(output: string | undefined) {
  const s3 = useS3();
  const place = parseS3Uri(output);
  return useQuery({
    queryKey: ["s3", "GetObject", "confusion matrix", output],
    queryFn: async ({ signal }) => {
      const members = place === undefined ? [] : await readArchive(s3, place, { signal });
      const member = members.find(({ name }) => name.split("/").at(-1) === MEMBER);
      // A query's answer must not be undefined.
      return (member && readConfusionReport(member.text())) ?? null;
    },
    enabled: place !== undefined,
    // The training has ended: its report does not change.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The confusion matrix that the training of a classifier wrote to the account's bucket. */
export function ConfusionReportView({ output }: { readonly output: string | undefined }) {
  const query = useConfusionReport(output);
  if (parseS3Uri(output) === undefined) {
    return (
      <Alert type="info" header="There is no confusion matrix">
        A training writes one if it has an output location. This one had none.
      </Alert>
    );
  }
  if (query.error !== null) {
    return (
      <ErrorAlert
        what={`The confusion matrix in ${output} cannot be read`}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  }
  if (query.isPending) return <StatusIndicator type="loading">Reading the confusion matrix</StatusIndicator>;
  if (query.data === null) {
    return (
      <Alert type="warning" header="The confusion matrix cannot be read">
        {output} has no {MEMBER} that this page can read. The object may have been changed since the training.
      </Alert>
    );
  }
  return <Report report={query.data} />;
}

function Report({ report }: { readonly report: ConfusionReport }) {
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title="Labels"
        noun="label"
        items={labelScores(report)}
        keyOf={({ label }) => label}
        columns={LABEL_COLUMNS}
        empty="The report has no labels."
      />
      <Container header={<Header variant="h2">Confusion matrix</Header>}>
        {report.matrix !== undefined && <ConfusionMatrix labels={report.labels} matrix={report.matrix} />}
        {report.matrices !== undefined && <LabelMatrix report={report} matrices={report.matrices} />}
      </Container>
    </SpaceBetween>
  );
}

interface LabelMatrixProps {
  readonly report: ConfusionReport;
  readonly matrices: NonNullable<ConfusionReport["matrices"]>;
}

/** For documents with several labels there is a matrix for each label: has the label, or does not. */
function LabelMatrix({ report, matrices }: LabelMatrixProps) {
  const [chosen, setChosen] = useState("0");
  const options = report.labels.map((label, index) => ({ value: String(index), label }));
  const label = report.labels[Number(chosen)] ?? "";
  return (
    <SpaceBetween size="m">
      <Box variant="p">Each label has its own matrix: a document has the label, or does not.</Box>
      <Select
        ariaLabel="Label"
        options={options}
        selectedOption={options[Number(chosen)] ?? null}
        onChange={({ detail }) => setChosen(detail.selectedOption.value ?? "0")}
        filteringType="auto"
        filteringAriaLabel="Filter labels"
      />
      <ConfusionMatrix
        title={`Confusion matrix of ${label}`}
        labels={[`not ${label}`, label]}
        matrix={matrices[Number(chosen)] ?? []}
      />
    </SpaceBetween>
  );
}

const share = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(4));

const LABEL_COLUMNS: Column<LabelScores>[] = [
  { id: "label", header: "Label", cell: ({ label }) => <bdi>{label}</bdi>, value: ({ label }) => label },
  {
    id: "precision",
    header: "Precision",
    cell: ({ precision }) => share(precision),
    value: ({ precision }) => precision,
  },
  { id: "recall", header: "Recall", cell: ({ recall }) => share(recall), value: ({ recall }) => recall },
  { id: "f1", header: "F1 score", cell: ({ f1 }) => share(f1), value: ({ f1 }) => f1 },
  {
    id: "support",
    header: "Test documents",
    cell: ({ support }) => formatNumber(support),
    value: ({ support }) => support,
  },
];
