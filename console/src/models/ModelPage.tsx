import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Tabs from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { hasCode } from "../api/errors";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { ComprehendTags } from "../components/tags/ComprehendTags";
import { comparePath, createJobPath, modelPath, parseModelArn } from "./arn";
import { ImportModal } from "./ImportModal";
import { MODEL_KINDS } from "./kinds";
import { type Dialog, ModelDialogs } from "./ModelDialogs";
import { ModelMessage } from "./ModelMessage";
import { ModelMetrics } from "./ModelMetrics";
import { ModelOverview } from "./ModelOverview";
import { ModelPolicy } from "./ModelPolicy";
import { ModelTraining } from "./ModelTraining";
import { ModelVersions } from "./ModelVersions";
import { canDelete, canStop, copyPath, deletionWord, isUsable, type Model } from "./model";
import { useModel } from "./queries";

const ABOVE = [{ text: "Custom models", href: "/models" }];

export default function ModelPage() {
  const [parameters] = useSearchParams();
  const arn = parameters.get("arn") ?? "";
  const { data, error, refetch } = useModel(arn);
  const named = parseModelArn(arn);
  if (named === undefined) {
    return (
      <Page title="Custom model" above={ABOVE}>
        <Alert type="warning" header="This address is not that of a model">
          Its part after arn= must be a model's ARN. Choose one from the list of{" "}
          <RouterLink to="/models">custom models</RouterLink>.
        </Alert>
      </Page>
    );
  }
  const title = named.version === undefined ? named.name : `${named.name} · ${named.version}`;
  const gone = hasCode(error, "ResourceNotFoundException");
  // After an error, the last known state is still shown, unless the model was deleted.
  if (data === undefined || gone) {
    return (
      <Page title={title} above={ABOVE}>
        {gone && (
          <Alert type="info" header="This model does not exist">
            It may have been deleted. Its training may also have belonged to another account. See the list of{" "}
            <RouterLink to="/models">custom models</RouterLink>.
          </Alert>
        )}
        {error !== null && !gone && (
          <ErrorAlert what="The model cannot be read" error={error} onRetry={() => void refetch()} />
        )}
        {error === null && <StatusIndicator type="loading">Reading the model</StatusIndicator>}
      </Page>
    );
  }
  return <ModelView key={arn} model={data} title={title} error={error} />;
}

interface ViewProps {
  readonly model: Model;
  readonly title: string;
  readonly error: unknown;
}

function ModelView({ model, title, error }: ViewProps) {
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<Dialog>();
  const [importing, setImporting] = useState(false);
  return (
    <Page
      title={title}
      above={ABOVE}
      description={MODEL_KINDS[model.kind].label}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {canStop(model) && <Button onClick={() => setDialog("stop")}>Stop training</Button>}
          <Button disabled={!canDelete(model)} onClick={() => setDialog("delete")}>
            Delete
          </Button>
          <Button
            disabled={!isUsable(model)}
            disabledReason="Only a trained model can be copied."
            onClick={() => setImporting(true)}
          >
            Copy the model
          </Button>
          {isUsable(model) && <RouterButton to={comparePath(model.arn)}>Compare</RouterButton>}
          {/* A training that failed can be made again with a correction; a copied model has no training to repeat. */}
          {model.source === undefined && <RouterButton to={copyPath(model)}>Train again</RouterButton>}
          <RouterButton to={createJobPath(model.arn)} disabled={!isUsable(model)} variant="primary">
            Use in a job
          </RouterButton>
        </SpaceBetween>
      }
    >
      {error !== null && <ErrorAlert what="The model cannot be refreshed" error={error} />}
      <ModelMessage model={model} />
      <Tabs
        ariaLabel={`Parts of ${deletionWord(model)}`}
        tabs={[
          { id: "overview", label: "Overview", content: <ModelOverview model={model} /> },
          { id: "metrics", label: "Metrics", content: <ModelMetrics model={model} /> },
          { id: "training", label: "Training", content: <ModelTraining model={model} /> },
          { id: "versions", label: "Versions", content: <ModelVersions model={model} /> },
          { id: "tags", label: "Tags", content: <ComprehendTags arn={model.arn} noun="model" /> },
          { id: "policy", label: "Policy", content: <ModelPolicy arn={model.arn} /> },
        ]}
      />
      <ModelDialogs
        dialog={dialog}
        model={model}
        onDismiss={() => setDialog(undefined)}
        onDeleted={() => navigate("/models")}
      />
      {importing && (
        <ImportModal
          source={model.arn}
          onDismiss={() => setImporting(false)}
          onImported={(copy) => {
            setImporting(false);
            navigate(modelPath(copy));
          }}
        />
      )}
    </Page>
  );
}
