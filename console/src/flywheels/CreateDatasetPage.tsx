import { CreateDatasetCommand, type CreateDatasetCommandInput } from "@aws-sdk/client-comprehend";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useComprehend } from "../api/comprehend";
import { ErrorAlert } from "../components/ErrorAlert";
import { useNotices } from "../components/Notifications";
import { type Crumb, Page } from "../components/Page";
import { RouterLink } from "../components/RouterLink";
import type { Json } from "../create/parts/code";
import { RequestCode } from "../create/parts/RequestCode";
import { DelimiterField } from "../models/DelimiterField";
import { FormatField, InputFormatField, LabelsField, LocationField } from "../models/dataFields";
import { ManifestsField } from "../models/ManifestsField";
import { hasProblems, type Problems } from "../models/training";
import { waitingFor } from "../models/waiting";
import { type DatasetDraft, datasetProblems, datasetRequest, emptyDataset, type Task } from "./datasetDraft";
import { type Flywheel, flywheelPath, parseFlywheelArn } from "./flywheel";
import { FLYWHEELS_KEY, useFlywheel } from "./queries";

const TITLE = "Add a dataset";
const ABOVE: readonly Crumb[] = [{ text: "Flywheels", href: "/flywheels" }];

/** The form for a dataset of the flywheel that the address names. */
export default function CreateDatasetPage() {
  const [parameters] = useSearchParams();
  const arn = parameters.get("flywheel") ?? "";
  const { data, error, refetch } = useFlywheel(arn);
  if (data !== undefined) return <DatasetForm key={arn} flywheel={data} />;
  return (
    <Page title={TITLE} above={ABOVE}>
      {parseFlywheelArn(arn) === undefined ? (
        <Alert type="warning" header="This address names no flywheel">
          Choose one from the list of <RouterLink to="/flywheels">flywheels</RouterLink>, then Add dataset.
        </Alert>
      ) : error === null ? (
        <StatusIndicator type="loading">Reading the flywheel</StatusIndicator>
      ) : (
        <ErrorAlert what="The flywheel cannot be read" error={error} onRetry={() => void refetch()} />
      )}
    </Page>
  );
}

function DatasetForm({ flywheel }: { readonly flywheel: Flywheel }) {
  const [draft, setDraft] = useState(emptyDataset);
  const [tried, setTried] = useState(false);
  const navigate = useNavigate();
  const notices = useNotices();
  const queries = useQueryClient();
  const client = useComprehend();
  const mode = flywheel.properties?.TaskConfig?.DocumentClassificationConfig?.Mode;
  const task: Task = { kind: flywheel.kind, mode };
  const request = datasetRequest(flywheel.arn, draft, task);
  const back = flywheelPath(flywheel.arn);
  const call = useMutation({
    mutationFn: () => client.send(new CreateDatasetCommand(request as CreateDatasetCommandInput)),
    onSuccess: async () => {
      notices.success(`The dataset ${draft.name} is being taken into the data lake.`);
      await queries.invalidateQueries({ queryKey: FLYWHEELS_KEY });
      navigate(back);
    },
  });
  const problems = datasetProblems(draft, task);
  const change = (part: Partial<DatasetDraft>): void => setDraft({ ...draft, ...part });
  const section = { draft, change, problems: tried ? problems : {} };
  const submit = (): void => {
    setTried(true);
    if (!hasProblems(problems)) call.mutate();
    // Render first, then move the focus to the field with the problem.
    else window.requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  return (
    <Page
      title={TITLE}
      description="A job reads the data with the flywheel's role, and writes it into the data lake."
      above={[...ABOVE, { text: flywheel.name, href: back }]}
    >
      <Form
        errorText={tried && waitingFor(problems)}
        errorIconAriaLabel="Error"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={() => navigate(back)}>
              Cancel
            </Button>
            <Button variant="primary" loading={call.isPending} loadingText="Creating the dataset" onClick={submit}>
              Create
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <General {...section} />
          <Container header={<Header variant="h2">Data</Header>}>
            <SpaceBetween size="l">
              <FormatField
                value={draft.dataFormat}
                onChange={(dataFormat) => change({ dataFormat })}
                csv={
                  task.kind === "classifier"
                    ? "A label and a document per row."
                    : "Documents, and a CSV file that describes their entities."
                }
              />
              <Data {...section} task={task} />
            </SpaceBetween>
          </Container>
          <RequestCode operation="CreateDataset" request={request as Json} />
          {call.error !== null && <ErrorAlert what="The dataset cannot be created" error={call.error} />}
        </SpaceBetween>
      </Form>
    </Page>
  );
}

interface SectionProps {
  readonly draft: DatasetDraft;
  readonly change: (part: Partial<DatasetDraft>) => void;
  readonly problems: Problems;
}

function General({ draft, change, problems }: SectionProps) {
  return (
    <Container header={<Header variant="h2">Dataset</Header>}>
      <SpaceBetween size="l">
        <FormField
          label="Dataset name"
          description="Letters, digits and hyphens, at most 63."
          errorText={problems["name"]}
        >
          <Input
            value={draft.name}
            ariaRequired
            autoComplete={false}
            spellcheck={false}
            onChange={({ detail }) => change({ name: detail.value })}
          />
        </FormField>
        <FormField label="Use">
          <RadioGroup
            value={draft.type}
            onChange={({ detail }) => change({ type: detail.value === "TEST" ? "TEST" : "TRAIN" })}
            items={[
              { value: "TRAIN", label: "Training", description: "New versions learn from it." },
              { value: "TEST", label: "Tests", description: "Both models of an iteration are measured on it." },
            ]}
          />
        </FormField>
        <FormField label="Description - optional" errorText={problems["description"]} stretch>
          <Input value={draft.description} onChange={({ detail }) => change({ description: detail.value })} />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}

/** Where the data is, in the chosen format. */
function Data({ task, ...section }: SectionProps & { readonly task: Task }) {
  const { draft, change, problems } = section;
  if (draft.dataFormat === "AUGMENTED_MANIFEST") {
    return (
      <ManifestsField
        manifests={draft.manifests}
        onChange={(manifests) => change({ manifests })}
        problems={problems}
        oneUse
      />
    );
  }
  if (task.kind === "classifier") {
    return (
      <SpaceBetween size="l">
        {task.mode === "MULTI_LABEL" && (
          <DelimiterField value={draft.delimiter} onChange={(delimiter) => change({ delimiter })} />
        )}
        <LocationField
          section={section}
          field="rows"
          label="Rows"
          description="CSV in UTF-8 without a header: the label, then the text in quotation marks."
          placeholder="s3://bucket/rows.csv"
          csv
          columns={["Label", "Text"]}
        />
      </SpaceBetween>
    );
  }
  return (
    <SpaceBetween size="l">
      <LabelsField section={section} />
      <LocationField
        section={section}
        field="documents"
        label="Documents"
        description="The texts that contain the entities."
      />
      <InputFormatField value={draft.inputFormat} onChange={(inputFormat) => change({ inputFormat })} />
    </SpaceBetween>
  );
}
