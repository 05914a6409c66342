import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useSearchParams } from "react-router";
import { hasCode } from "../../api/errors";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatTime } from "../../components/format";
import { Page } from "../../components/Page";
import { RouterLink } from "../../components/RouterLink";
import { parseModelArn } from "../arn";
import { MODEL_KINDS } from "../kinds";
import { deletionWord, isUsable, type Model } from "../model";
import { useModel, useModels } from "../queries";
import { Comparison } from "./Comparison";

const ABOVE = [{ text: "Custom models", href: "/models" }];
const TITLE = "Compare models";

/** Two models of the same type, which the address names, side by side. */
export default function CompareModelsPage() {
  const [parameters, setParameters] = useSearchParams();
  const [one, other] = [parameters.get("one") ?? "", parameters.get("other") ?? ""];
  const kind = (parseModelArn(one) ?? parseModelArn(other))?.kind;
  if (kind === undefined) {
    return (
      <Page title={TITLE} above={ABOVE}>
        <Alert type="warning" header="This address names no model">
          Choose a model from the list of <RouterLink to="/models">custom models</RouterLink>, then Compare.
        </Alert>
      </Page>
    );
  }
  const set = (side: "one" | "other", arn: string): void =>
    setParameters({ one, other, [side]: arn }, { replace: true });
  return (
    <Page title={TITLE} above={ABOVE} description={MODEL_KINDS[kind].label}>
      <Container>
        <ColumnLayout columns={2}>
          <ModelChoice label="Model" kind={kind} value={one} onChange={(arn) => set("one", arn)} />
          <ModelChoice label="Compared with" kind={kind} value={other} onChange={(arn) => set("other", arn)} />
        </ColumnLayout>
      </Container>
      {one === "" || other === "" ? (
        <Box textAlign="center" padding="l">
          Choose the two models, or two versions of one.
        </Box>
      ) : (
        <Compared key={`${one} ${other}`} one={one} other={other} />
      )}
    </Page>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly kind: Model["kind"];
  readonly value: string;
  readonly onChange: (arn: string) => void;
}

function ModelChoice({ label, kind, value, onChange }: ChoiceProps) {
  const { data, isPending } = useModels(kind);
  const usable = (data ?? []).filter(isUsable);
  const options: SelectProps.Option[] = usable.map((model) => ({
    value: model.arn,
    label: deletionWord(model),
    description: model.trainingEnded === undefined ? "imported" : `trained ${formatTime(model.trainingEnded)}`,
  }));
  const named = parseModelArn(value);
  const unlisted = value === "" ? null : { value, label: named === undefined ? value : deletionWord(named) };
  return (
    <FormField label={label}>
      <Select
        selectedOption={options.find((option) => option.value === value) ?? unlisted}
        options={options}
        statusType={isPending ? "loading" : "finished"}
        loadingText="Loading models"
        placeholder="Choose a trained model"
        empty="No trained model of this type."
        filteringType="auto"
        filteringAriaLabel="Filter models"
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
      />
    </FormField>
  );
}

function Compared({ one, other }: { readonly one: string; readonly other: string }) {
  const first = useModel(one);
  const second = useModel(other);
  if (one === other) return <Alert type="info">This is the same model twice: choose another one.</Alert>;
  if (first.data !== undefined && second.data !== undefined) {
    if (first.data.kind !== second.data.kind) {
      return <Alert type="warning">A classifier and an entity recognizer have no metrics in common.</Alert>;
    }
    return <Comparison one={first.data} other={second.data} />;
  }
  const failed = [
    { arn: one, query: first },
    { arn: other, query: second },
  ].filter(({ query }) => query.error !== null || !query.isEnabled);
  if (failed.length === 0) return <StatusIndicator type="loading">Reading the models</StatusIndicator>;
  return failed.map(({ arn, query }) => <Unread key={arn} arn={arn} error={query.error} onRetry={query.refetch} />);
}

interface UnreadProps {
  readonly arn: string;
  readonly error: unknown;
  readonly onRetry: () => unknown;
}

function Unread({ arn, error, onRetry }: UnreadProps) {
  if (error === null || hasCode(error, "ResourceNotFoundException")) {
    return (
      <Alert type="info" header="A model does not exist">
        {arn} may have been deleted. Choose another one.
      </Alert>
    );
  }
  return <ErrorAlert what="A model cannot be read" error={error} onRetry={() => void onRetry()} />;
}
