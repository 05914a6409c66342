import { ClassifyDocumentCommand, DetectEntitiesCommand } from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { FindingsView } from "../analyze/FindingsView";
import { type Finding, findingsOf } from "../analyze/findings";
import { kindOf } from "../analyze/kinds";
import { ScoreBars } from "../analyze/ScoreBars";
import { utf8Bytes } from "../analyze/text";
import { useComprehend } from "../api/comprehend";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatDuration, formatNumber } from "../components/format";
import { answers, type Endpoint, modelWords } from "./endpoint";

const MOST_BYTES = 100_000;

interface Answer {
  readonly text: string;
  readonly milliseconds: number;
  /** The classes or labels of a classifier. */
  readonly scores?: readonly { readonly name: string; readonly score: number }[];
  /** The entities of a recognizer. */
  readonly findings?: readonly Finding[];
}

/** A box to send a text to an endpoint, as an application would. */
export function TryIt({ endpoint }: { readonly endpoint: Endpoint }) {
  const client = useComprehend();
  const [text, setText] = useState("");
  const bytes = utf8Bytes(text);
  const tooLong = bytes > MOST_BYTES;
  const call = useMutation({
    mutationFn: async (): Promise<Answer> => {
      const begun = performance.now();
      const input = { EndpointArn: endpoint.arn, Text: text };
      if (endpoint.kind === "classifier") {
        const { Classes = [], Labels = [] } = await client.send(new ClassifyDocumentCommand(input));
        const scores = [...Classes, ...Labels].map(({ Name = "-", Score = 0 }) => ({ name: Name, score: Score }));
        return { text, milliseconds: performance.now() - begun, scores };
      }
      const { Entities } = await client.send(new DetectEntitiesCommand(input));
      return { text, milliseconds: performance.now() - begun, findings: findingsOf({ Entities }) };
    },
  });
  return (
    <Container
      header={
        <Header variant="h2" description={`Its model is ${modelWords(endpoint.model)}.`}>
          {`Try ${endpoint.name}`}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField
          label="Text"
          stretch
          errorText={tooLong && `The text has ${formatNumber(bytes)} bytes. Shorten it.`}
          constraintText={`${formatNumber(bytes)} of ${formatNumber(MOST_BYTES)} bytes of UTF-8. Its characters use inference units.`}
        >
          <Textarea
            value={text}
            onChange={({ detail }) => setText(detail.value)}
            rows={4}
            spellcheck={false}
            nativeTextareaAttributes={{ dir: "auto" }}
          />
        </FormField>
        <Button
          variant="primary"
          loading={call.isPending}
          disabled={text === "" || tooLong || !answers(endpoint)}
          onClick={() => call.mutate()}
        >
          {endpoint.kind === "classifier" ? "Classify" : "Find entities"}
        </Button>
        {call.error !== null && <ErrorAlert what="The endpoint did not analyze the text" error={call.error} here />}
        {call.error === null && call.data !== undefined && <AnswerOf answer={call.data} />}
      </SpaceBetween>
    </Container>
  );
}

function AnswerOf({ answer }: { readonly answer: Answer }) {
  const { scores, findings = [], milliseconds, text } = answer;
  return (
    <SpaceBetween size="s">
      <LiveRegion>
        <Box color="text-body-secondary">Answered in {formatDuration(milliseconds)}.</Box>
      </LiveRegion>
      {scores === undefined ? (
        <FindingsView kind={kindOf("entities")} text={text} findings={findings} />
      ) : (
        <ScoreBars scores={scores} />
      )}
    </SpaceBetween>
  );
}
