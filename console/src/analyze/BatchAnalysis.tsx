import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatNumber } from "../components/format";
import { BatchResults } from "./BatchResults";
import { checkBatch } from "./batch";
import { type BatchRequest, batchRequest, detectBatch } from "./calls";
import { BATCH_KINDS, BATCH_TEXT_BYTES, BATCH_TEXTS, type Kind, kindOf } from "./kinds";
import { LanguageSelect } from "./LanguageSelect";
import { BATCH_SAMPLE } from "./samples";
import { linesOf } from "./text";

interface Call {
  readonly kind: Kind;
  readonly request: BatchRequest;
}

/** Several texts, one per line, in one call. */
export function BatchAnalysis() {
  const client = useComprehend();
  const [text, setText] = useState(BATCH_SAMPLE);
  const [kindId, setKindId] = useState("sentiment");
  const [language, setLanguage] = useState("en");
  const kind = kindOf(kindId);
  const lines = linesOf(text);
  const { count, problem } = checkBatch(lines);
  const call = useMutation({
    mutationFn: (call: Call) => detectBatch(client, call.kind, call.request),
  });
  const options = BATCH_KINDS.map((each) => ({ value: each.id, label: each.label, description: each.batch ?? "" }));
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Input texts</Header>}>
        <SpaceBetween size="m">
          <FormField
            label="Texts"
            description={`One text per line, at most ${BATCH_TEXTS} texts of ${formatNumber(BATCH_TEXT_BYTES)} bytes each.`}
            stretch
            errorText={problem}
            constraintText={count}
          >
            <Textarea
              value={text}
              onChange={({ detail }) => setText(detail.value)}
              rows={8}
              spellcheck={false}
              nativeTextareaAttributes={{ dir: "auto" }}
            />
          </FormField>
          <FormField label="Analysis">
            <Select
              options={options}
              selectedOption={options.find(({ value }) => value === kindId) ?? null}
              onChange={({ detail }) => setKindId(detail.selectedOption.value ?? "sentiment")}
            />
          </FormField>
          {kind.languages !== undefined && (
            <LanguageSelect
              kind={kind}
              value={language}
              onChange={(chosen) => setLanguage(chosen ?? "en")}
              detect={false}
            />
          )}
          <Button
            variant="primary"
            disabled={lines.length === 0 || problem !== undefined}
            loading={call.isPending}
            loadingText={`Waiting for ${kind.batch}`}
            onClick={() => call.mutate({ kind, request: batchRequest(kind, lines, language) })}
          >
            Analyze
          </Button>
        </SpaceBetween>
      </Container>
      {call.error !== null && <ErrorAlert what={`${call.variables?.kind.batch} failed`} error={call.error} />}
      {call.data !== undefined && call.variables !== undefined && (
        <BatchResults
          key={call.submittedAt}
          kind={call.variables.kind}
          request={call.variables.request}
          answer={call.data}
        />
      )}
    </SpaceBetween>
  );
}
