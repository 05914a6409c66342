import Box from "@cloudscape-design/components/box";
import { RESULTS } from "../kinds/rows.generated";
import { FindingsView } from "./FindingsView";
import { type Answer, findingsOf, judgementsOf, sentimentScores } from "./findings";
import type { Kind } from "./kinds";
import { ScoreBars } from "./ScoreBars";

interface Props {
  readonly kind: Kind;
  readonly text: string;
  readonly answer: Answer;
}

/** The result of one text, as its kind of analysis shows it. */
export function AnswerView({ kind, text, answer }: Props) {
  const { layout } = RESULTS[kind.id];
  if (layout === "tone") {
    return (
      <>
        <Box variant="h3">{answer.Sentiment}</Box>
        <ScoreBars scores={sentimentScores(answer)} />
      </>
    );
  }
  if (layout === "types") {
    const judgements = judgementsOf(answer);
    if (judgements.length === 0) return <Box variant="p">No language was found. Enter at least 20 characters.</Box>;
    return <ScoreBars scores={judgements} />;
  }
  return <FindingsView kind={kind} text={text} findings={findingsOf(answer)} />;
}
