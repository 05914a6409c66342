import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useJobRun } from "../jobs/hooks";
import { RunProgress } from "../jobs/JobProgress";
import { ContainersTable } from "../jobs/parts/ContainersTable";
import { LogView } from "../jobs/parts/LogView";
import { StoryTab } from "../jobs/tabs/StoryTab";
import { deletionWord, isTraining, type Model, trainingId } from "./model";

/** The progress of a model's training, which runs like a job. */
export function ModelTraining({ model }: { readonly model: Model }) {
  if (model.source !== undefined) {
    return (
      <Alert type="info" header="This model was not trained here">
        It is a copy of {model.source}. See the page of that model for its training.
      </Alert>
    );
  }
  return <Training model={model} />;
}

function Training({ model }: { readonly model: Model }) {
  const active = isTraining(model);
  const view = useJobRun(model.arn, active, trainingId(model));
  const { run } = view;
  return (
    <SpaceBetween size="l">
      {active && run !== undefined && (
        <Container header={<Header variant="h2">Progress</Header>}>
          <RunProgress run={run} name={deletionWord(model)} />
        </Container>
      )}
      <StoryTab view={view} active={active} />
      {run !== undefined && (
        <SpaceBetween size="l">
          <ContainersTable containers={run.Containers} events={run.Events ?? []} active={active} />
          <LogView group={run.LogGroupName} stream={run.LogStreamName} active={active} />
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
