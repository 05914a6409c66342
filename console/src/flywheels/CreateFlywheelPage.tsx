import { CreateFlywheelCommand, type CreateFlywheelCommandInput } from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useComprehend } from "../api/comprehend";
import { ErrorAlert } from "../components/ErrorAlert";
import { languageName, MODEL_LANGUAGES } from "../components/languages";
import { useNotices } from "../components/Notifications";
import { Page } from "../components/Page";
import type { Json } from "../create/parts/code";
import { LeftDraft } from "../create/parts/LeftDraft";
import { RequestCode } from "../create/parts/RequestCode";
import { RolePicker } from "../create/parts/RolePicker";
import { S3LocationField } from "../create/parts/S3LocationField";
import { TagsField } from "../create/parts/TagsField";
import { VpcSettings } from "../create/parts/VpcSettings";
import { fromParameters } from "../create/parts/vpc";
import { ModelSelect } from "../endpoints/ModelSelect";
import type { Mode } from "../models/classifierDraft";
import { EntityTypesField } from "../models/EntityTypesField";
import type { ModelKindId } from "../models/kinds";
import { given, hasProblems, type Problems } from "../models/training";
import { waitingFor } from "../models/waiting";
import { flywheelPath } from "./flywheel";
import {
  type Beginning,
  emptyFlywheel,
  type FlywheelDraft,
  flywheelProblems,
  flywheelRequest,
  keptFlywheel,
} from "./flywheelDraft";
import { FLYWHEELS_KEY } from "./queries";

const PATH = "/flywheels/create";
const LANGUAGES = MODEL_LANGUAGES.map((code) => ({ value: code, label: languageName(code) }));

/** The form for a new flywheel. */
export default function CreateFlywheelPage() {
  const [parameters] = useSearchParams();
  const vpc = fromParameters(parameters);
  const [left, setLeft] = useState(() => keptFlywheel.draft !== undefined && vpc === undefined);
  const [draft, setDraft] = useState<FlywheelDraft>(() => ({
    ...(keptFlywheel.draft ?? emptyFlywheel()),
    ...(vpc !== undefined && { vpc }),
  }));
  const [tried, setTried] = useState(false);
  const navigate = useNavigate();
  const notices = useNotices();
  const queries = useQueryClient();
  const client = useComprehend();
  const request = flywheelRequest(draft);
  const call = useMutation({
    mutationFn: async () =>
      (await client.send(new CreateFlywheelCommand(request as CreateFlywheelCommandInput))).FlywheelArn ?? "",
    onSuccess: async (arn) => {
      keptFlywheel.drop();
      notices.success(`The flywheel ${draft.name} is being created.`);
      await queries.invalidateQueries({ queryKey: FLYWHEELS_KEY });
      navigate(flywheelPath(arn));
    },
  });
  const problems = flywheelProblems(draft);
  const shown: Problems = tried ? problems : {};
  const change = (part: Partial<FlywheelDraft>): void => {
    const changed = { ...draft, ...part };
    keptFlywheel.keep(changed);
    setDraft(changed);
  };
  const submit = (): void => {
    setTried(true);
    if (!hasProblems(problems)) call.mutate();
    // Render first, then move the focus to the field with the problem.
    else window.requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const places = given(draft.lake);
  return (
    <Page
      title="Create a flywheel"
      description="A flywheel keeps training data in a bucket of yours, and trains new versions of one model with it."
      above={[{ text: "Flywheels", href: "/flywheels" }]}
    >
      <Form
        errorText={tried && waitingFor(problems)}
        errorIconAriaLabel="Error"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="link"
              onClick={() => {
                keptFlywheel.drop();
                navigate("/flywheels");
              }}
            >
              Cancel
            </Button>
            <Button variant="primary" loading={call.isPending} loadingText="Creating the flywheel" onClick={submit}>
              Create
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {left && (
            <LeftDraft
              onDiscard={() => {
                setLeft(false);
                setTried(false);
                keptFlywheel.drop();
                setDraft(emptyFlywheel());
              }}
            />
          )}
          <Container header={<Header variant="h2">Flywheel settings</Header>}>
            <SpaceBetween size="l">
              <FormField
                label="Flywheel name"
                description="Letters, digits and hyphens, at most 63. Its models have this name, too."
                errorText={shown["name"]}
              >
                <Input
                  value={draft.name}
                  ariaRequired
                  autoComplete={false}
                  spellcheck={false}
                  onChange={({ detail }) => change({ name: detail.value })}
                />
              </FormField>
              <FormField label="Beginning">
                <RadioGroup
                  value={draft.beginning}
                  onChange={({ detail }) => change({ beginning: detail.value as Beginning })}
                  items={[
                    {
                      value: "task",
                      label: "With a new model",
                      description: "Its first iteration trains the first version.",
                    },
                    {
                      value: "model",
                      label: "With a trained model",
                      description:
                        "It is active at once, and the data that it was trained with becomes the first dataset.",
                    },
                  ]}
                />
              </FormField>
              {draft.beginning === "model" ? (
                <ModelSelect value={draft.model} onChange={(model) => change({ model })} problem={shown["model"]} />
              ) : (
                <TaskFields draft={draft} change={change} problems={shown} />
              )}
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">Data lake</Header>}>
            <S3LocationField
              label="Location of the data lake"
              description="A folder for the data of the flywheel, in a bucket of yours. It stays if the flywheel is deleted."
              placeholder="s3://bucket/lake/"
              mode="write"
              value={draft.lake}
              onChange={(lake) => change({ lake })}
              errorText={shown["lake"]}
            />
          </Container>
          <Container
            header={
              <Header
                variant="h2"
                description="The role must be able to read and write the data lake, and to read what datasets are made of."
              >
                Access permissions
              </Header>
            }
          >
            <RolePicker
              value={draft.roleArn}
              onChange={(roleArn) => change({ roleArn })}
              inputs={places}
              outputs={places}
              vpc={draft.vpc}
              errorText={shown["role"]}
            />
          </Container>
          <VpcSettings
            value={draft.vpc}
            onChange={(changed) => change({ vpc: changed })}
            errors={{
              ...(shown["vpc"] !== undefined && { vpc: shown["vpc"] }),
              ...(shown["subnets"] !== undefined && { subnets: shown["subnets"] }),
              ...(shown["groups"] !== undefined && { groups: shown["groups"] }),
            }}
            returnTo={PATH}
            locations={places}
          />
          <Container header={<Header variant="h2">Tags - optional</Header>}>
            <TagsField value={draft.tags} onChange={(tags) => change({ tags })} showErrors={tried} />
            {shown["tags"] !== undefined && <Box color="text-status-error">{shown["tags"]}</Box>}
          </Container>
          <RequestCode operation="CreateFlywheel" request={request as Json} />
          {call.error !== null && <ErrorAlert what="The flywheel cannot be created" error={call.error} />}
        </SpaceBetween>
      </Form>
    </Page>
  );
}

interface TaskProps {
  readonly draft: FlywheelDraft;
  readonly change: (part: Partial<FlywheelDraft>) => void;
  readonly problems: Problems;
}

/** What the models of the flywheel do. */
function TaskFields({ draft, change, problems }: TaskProps) {
  return (
    <SpaceBetween size="l">
      <FormField label="Model type">
        <RadioGroup
          value={draft.kind}
          onChange={({ detail }) => change({ kind: detail.value as ModelKindId })}
          items={[
            { value: "classifier", label: "Classifier", description: "It assigns your own labels to documents." },
            { value: "recognizer", label: "Entity recognizer", description: "It finds your own types of entities." },
          ]}
        />
      </FormField>
      <FormField label="Language" description="The language of the training documents.">
        <Select
          options={LANGUAGES}
          selectedOption={LANGUAGES.find(({ value }) => value === draft.language) ?? null}
          onChange={({ detail }) => change({ language: detail.selectedOption.value ?? "en" })}
        />
      </FormField>
      {draft.kind === "classifier" ? (
        <FormField label="Classifier mode">
          <RadioGroup
            value={draft.mode}
            onChange={({ detail }) => change({ mode: detail.value as Mode })}
            items={[
              { value: "MULTI_CLASS", label: "Single-label", description: "Each document has one label." },
              { value: "MULTI_LABEL", label: "Multi-label", description: "A document can have several labels." },
            ]}
          />
        </FormField>
      ) : (
        <EntityTypesField types={draft.types} onChange={(types) => change({ types })} problems={problems} />
      )}
    </SpaceBetween>
  );
}
