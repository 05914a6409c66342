import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { useNotices } from "../components/Notifications";
import { Page } from "../components/Page";
import { useAttempt } from "../components/useAttempt";
import type { Json } from "../create/parts/code";
import { LeftDraft } from "../create/parts/LeftDraft";
import { PreflightPanel } from "../create/parts/PreflightPanel";
import { type Check, failedOf } from "../create/parts/preflight";
import { RequestCode } from "../create/parts/RequestCode";
import { RolePicker } from "../create/parts/RolePicker";
import { SubmitAnyway } from "../create/parts/SubmitAnyway";
import { bucketsOf } from "../create/parts/s3Uri";
import { TagsField } from "../create/parts/TagsField";
import { usePreflight } from "../create/parts/usePreflight";
import { VpcSettings } from "../create/parts/VpcSettings";
import type { KeptDraft } from "../session/keptDraft";
import { modelPath } from "./arn";
import { fieldProblem } from "./fieldErrors";
import type { ModelKind } from "./kinds";
import { ModelSettings } from "./ModelSettings";
import { PolicyField } from "./PolicyField";
import { hasProblems, type Problems, type TrainingDraft } from "./training";
import { waitingFor } from "./waiting";

export interface SectionProps<Draft> {
  readonly draft: Draft;
  readonly change: (change: Partial<Draft>) => void;
  /** The problem of a field to show now: none before the button was pressed. */
  readonly problems: Problems;
}

interface Props<Draft extends TrainingDraft> {
  readonly kind: ModelKind;
  readonly title: string;
  readonly description: string;
  readonly kept: KeptDraft<Draft>;
  /** Whether the user left the form half filled in earlier, and its values if that is discarded. */
  readonly left: boolean;
  readonly empty: () => Draft;
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly problems: Problems;
  readonly request: object;
  readonly places: { readonly inputs: string[]; readonly outputs: string[] };
  /** Sends the request and returns the new model's ARN. */
  readonly create: () => Promise<string>;
  /** The sections for this type of model. */
  readonly children: (section: SectionProps<Draft>) => ReactNode;
}

/** The form of both types of model: the shared sections, with those of one type in between. */
export function TrainingForm<Draft extends TrainingDraft>(props: Props<Draft>) {
  const { kind, draft, onChange, problems, request, places } = props;
  const navigate = useNavigate();
  const notices = useNotices();
  const queries = useQueryClient();
  const [tried, setTried] = useState(false);
  const [resumed, setResumed] = useState(props.left);
  const [expected, setExpected] = useState<readonly Check[]>();
  const { busy: asking, error: unasked, attempt } = useAttempt();
  const call = useMutation({
    mutationFn: props.create,
    onSuccess: async (arn) => {
      props.kept.drop();
      notices.success(`The training of ${draft.name} is submitted.`);
      await queries.invalidateQueries({ queryKey: ["comprehend"] });
      navigate(modelPath(arn));
    },
  });
  const change = (part: Partial<Draft>): void => {
    const changed = { ...draft, ...part };
    props.kept.keep(changed);
    onChange(changed);
  };
  const refused = fieldProblem(call.error);
  const shown: Problems = { ...(tried && problems), ...refused };
  const missing = waitingFor(problems);
  const preflight = usePreflight(kind.createOperation, request as Json, missing);
  const send = (): void => {
    setExpected(undefined);
    call.mutate();
  };
  const submit = (): void => {
    setTried(true);
    if (!hasProblems(problems)) {
      void attempt(async () => {
        const failed = failedOf((await preflight.ask()) ?? []);
        if (failed.length > 0) setExpected(failed);
        else send();
      });
    }
    // Render first, then move the focus to the field with the problem.
    else window.requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const returnTo = kind.createPath;
  const vpcErrors = {
    ...(shown["vpc"] !== undefined && { vpc: shown["vpc"] }),
    ...(shown["subnets"] !== undefined && { subnets: shown["subnets"] }),
    ...(shown["groups"] !== undefined && { groups: shown["groups"] }),
  };
  return (
    <Page title={props.title} description={props.description} above={[{ text: "Custom models", href: "/models" }]}>
      <Form
        errorText={tried && missing}
        errorIconAriaLabel="Error"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="link"
              onClick={() => {
                props.kept.drop();
                navigate("/models");
              }}
            >
              Cancel
            </Button>
            <Button
              variant="primary"
              loading={call.isPending || asking}
              loadingText="Submitting the training"
              onClick={submit}
            >
              Create
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {resumed && (
            <LeftDraft
              onDiscard={() => {
                setResumed(false);
                setTried(false);
                props.kept.drop();
                onChange(props.empty());
              }}
            />
          )}
          <ModelSettings draft={draft} change={(part) => change(part as Partial<Draft>)} problems={shown} />
          {props.children({ draft, change, problems: shown })}
          <Container header={<Header variant="h2">Access permissions</Header>}>
            <RolePicker
              value={draft.roleArn}
              onChange={(roleArn) => change({ roleArn } as Partial<Draft>)}
              inputs={places.inputs}
              outputs={places.outputs}
              vpc={draft.vpc}
              errorText={shown["role"]}
            />
          </Container>
          <VpcSettings
            value={draft.vpc}
            onChange={(vpc) => change({ vpc } as Partial<Draft>)}
            errors={vpcErrors}
            returnTo={returnTo}
            locations={[...places.inputs, ...places.outputs]}
          />
          <Container header={<Header variant="h2">Tags - optional</Header>}>
            <TagsField value={draft.tags} onChange={(tags) => change({ tags } as Partial<Draft>)} showErrors={tried} />
            {shown["tags"] !== undefined && <Box color="text-status-error">{shown["tags"]}</Box>}
          </Container>
          <PolicyField
            value={draft.policy}
            onChange={(policy) => change({ policy } as Partial<Draft>)}
            refusal={refused["policy"]}
          />
          <PreflightPanel
            preflight={preflight}
            waitingFor={missing}
            buckets={bucketsOf([...places.inputs, ...places.outputs])}
          />
          {unasked !== undefined && (
            <ErrorAlert what="The training cannot be checked, so it was not sent" error={unasked} />
          )}
          {expected !== undefined && (
            <SubmitAnyway
              failed={expected}
              action="Create"
              onConfirm={async () => send()}
              onDismiss={() => setExpected(undefined)}
            />
          )}
          <RequestCode operation={kind.createOperation} request={request as Json} />
          {call.error !== null && <ErrorAlert what="The training cannot be submitted" error={call.error} />}
        </SpaceBetween>
      </Form>
    </Page>
  );
}
