import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { formatNumber } from "../components/format";
import { languageName } from "../components/languages";
import { AnalysisPanel } from "./AnalysisPanel";
import { KINDS, kindOf, MOST_TEXT_BYTES } from "./kinds";
import { LanguageSelect } from "./LanguageSelect";
import { SAMPLES } from "./samples";
import { utf8Bytes } from "./text";
import type { Submitted } from "./useAnalysis";

/** One text, with a tab for each kind of analysis. */
export function SingleAnalysis() {
  const [text, setText] = useState(SAMPLES[0]?.text ?? "");
  const [language, setLanguage] = useState<string>();
  const [submitted, setSubmitted] = useState<Submitted>();
  const [tab, setTab] = useState<string>("entities");
  const kind = kindOf(tab);
  const bytes = utf8Bytes(text);
  const tooLong = bytes > MOST_TEXT_BYTES;
  const small = KINDS.filter((each) => each.textBytes < MOST_TEXT_BYTES);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            actions={
              <ButtonDropdown
                items={SAMPLES.map(({ code }) => ({ id: code, text: languageName(code) }))}
                onItemClick={({ detail }) => {
                  const sample = SAMPLES.find(({ code }) => code === detail.id);
                  if (sample !== undefined) setText(sample.text);
                }}
              >
                Sample text
              </ButtonDropdown>
            }
          >
            Input text
          </Header>
        }
      >
        <SpaceBetween size="m">
          <FormField
            label="Text"
            stretch
            errorText={tooLong && `The text has ${formatNumber(bytes)} bytes. Shorten it, or start an analysis job.`}
            constraintText={
              <>
                {formatNumber(bytes)} of {formatNumber(MOST_TEXT_BYTES)} bytes of UTF-8.{" "}
                {small.map((each) => `${each.label} takes ${formatNumber(each.textBytes)}`).join(", ")}.
              </>
            }
          >
            <Textarea
              value={text}
              onChange={({ detail }) => setText(detail.value)}
              rows={7}
              spellcheck={false}
              nativeTextareaAttributes={{ dir: "auto" }}
            />
          </FormField>
          <LanguageSelect kind={kind} value={language} onChange={setLanguage} detect />
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="primary"
              disabled={text === "" || tooLong}
              onClick={() => setSubmitted((last) => ({ text, language, run: (last?.run ?? 0) + 1 }))}
            >
              Analyze
            </Button>
            <Button disabled={text === ""} onClick={() => setText("")}>
              Clear text
            </Button>
          </SpaceBetween>
        </SpaceBetween>
      </Container>
      {submitted === undefined ? (
        <Container header={<Header variant="h2">Insights</Header>}>
          <Box variant="p">
            Write a text above or use a sample, then choose Analyze. The text is not stored: it is analyzed in
            containers without a network, and only this page gets the answer.
          </Box>
        </Container>
      ) : (
        <Container header={<Header variant="h2">Insights</Header>}>
          <Tabs
            ariaLabel="Kinds of analysis"
            activeTabId={tab}
            onChange={({ detail }) => setTab(detail.activeTabId)}
            tabs={KINDS.map((each) => ({
              id: each.id,
              label: each.label,
              content: <AnalysisPanel kind={each} submitted={submitted} />,
            }))}
          />
        </Container>
      )}
    </SpaceBetween>
  );
}
