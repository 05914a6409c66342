import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatDuration, formatNumber } from "../components/format";
import { languageName } from "../components/languages";
import { AnswerView } from "./AnswerView";
import { formatScore, summaryOf } from "./findings";
import { Integration } from "./Integration";
import type { Kind } from "./kinds";
import { utf8Bytes } from "./text";
import { type Submitted, useDetect, useLanguage } from "./useAnalysis";

interface Props {
  readonly kind: Kind;
  readonly submitted: Submitted;
}

/** One kind of analysis of the submitted text: the call is made when its tab is opened. */
export function AnalysisPanel({ kind, submitted }: Props) {
  const bytes = utf8Bytes(submitted.text);
  const fits = bytes <= kind.textBytes;
  const takesLanguage = kind.languages !== undefined;
  const { language, detected, none, error: languageError, retry } = useLanguage(submitted, takesLanguage && fits);
  const served = !takesLanguage || (language !== undefined && kind.languages.includes(language));
  // A language that the user chose is sent as it is: the API decides which languages it supports.
  const ready = fits && (!takesLanguage || (language !== undefined && (served || detected === undefined)));
  const { data, error, request, refetch } = useDetect(kind, submitted, takesLanguage ? language : undefined, ready);
  if (!fits) {
    return (
      <Alert type="info" header={`${kind.label}: the text is too long`}>
        {kind.detect} takes at most {formatNumber(kind.textBytes)} bytes of UTF-8; this text has {formatNumber(bytes)}.
        Shorten it, or start an analysis job, which accepts longer documents.
      </Alert>
    );
  }
  if (languageError !== null) {
    return <ErrorAlert what="The language cannot be detected" error={languageError} onRetry={() => void retry()} />;
  }
  if (none) {
    return (
      <Alert type="info" header="No language was found in this text">
        Choose its language above, then analyze it again.
      </Alert>
    );
  }
  if (detected !== undefined && !served) {
    return (
      <Alert type="info" header={`${kind.label} is not available in ${languageName(detected.code)}`}>
        The text seems to be in {languageName(detected.code)}, with a score of {formatScore(detected.score)}. Available
        here: {kind.languages?.map(languageName).join(", ")}. If the text is in one of them, choose it above.
      </Alert>
    );
  }
  if (error !== null) {
    return <ErrorAlert what={`${kind.detect} failed`} error={error} onRetry={() => void refetch()} />;
  }
  if (data === undefined) {
    return (
      <LiveRegion>
        <StatusIndicator type="loading">
          {takesLanguage && language === undefined ? "Detecting the language" : `Waiting for ${kind.detect}`}
        </StatusIndicator>
        <Box color="text-body-secondary">The first call of a kind starts its engine, which takes a few seconds.</Box>
      </LiveRegion>
    );
  }
  return (
    <SpaceBetween size="l">
      <Box color="text-body-secondary">
        <LiveRegion hidden>{`${kind.label}: ${summaryOf(data.value)}`}</LiveRegion>
        {kind.detect} answered in {formatDuration(data.milliseconds)}
        {takesLanguage && language !== undefined && `, for a text in ${languageName(language)}`}
        {detected !== undefined && ` (detected, score ${formatScore(detected.score)})`}.
      </Box>
      <AnswerView kind={kind} text={submitted.text} answer={data.value} />
      <Integration operation={kind.detect} request={request} response={data.value} requestId={data.requestId} />
    </SpaceBetween>
  );
}
