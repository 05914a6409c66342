import "./reach.css";
import type { NetworkInsightsAnalysis, PathComponent } from "@aws-sdk/client-ec2";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { IdLink } from "../IdLink";
import { nounOf } from "../ids";
import { type ExplanationText, explanationText, hopText } from "./hops";

/** The result: the path there and back, hop by hop, or why there is none. */
export function ResultPanel({ analysis }: { readonly analysis: NetworkInsightsAnalysis }) {
  const found = analysis.NetworkPathFound === true;
  const reasons = (analysis.Explanations ?? []).map(explanationText);
  const back = analysis.ReturnPathComponents ?? [];
  return (
    <Container header={<Header variant="h2">Answer</Header>}>
      <SpaceBetween size="m">
        <div aria-live="polite">
          <StatusIndicator type={found ? "success" : "error"}>
            {found ? "It is reachable: the packet arrives and the answer comes back." : "It is not reachable."}
          </StatusIndicator>
        </div>
        <div>
          <Box variant="h3">The path there</Box>
          <Hops components={analysis.ForwardPathComponents ?? []} reasons={reasons} />
        </div>
        {back.length > 0 && (
          <ExpandableSection headerText="The path back">
            <Hops components={back} reasons={[]} />
          </ExpandableSection>
        )}
      </SpaceBetween>
    </Container>
  );
}

interface HopsProps {
  readonly components: readonly PathComponent[];
  readonly reasons: readonly ExplanationText[];
}

function Hops({ components, reasons }: HopsProps) {
  return (
    <ol className="vpc-hops">
      {components.map((component) => {
        const hop = hopText(component);
        return (
          <li key={component.SequenceNumber}>
            <b>{hop.what}</b> <IdLink id={hop.id} />
            <div>
              {hop.decision}
              {hop.rule !== undefined && ` It is the rule ${hop.rule}.`}
            </div>
          </li>
        );
      })}
      {reasons.map((reason) => (
        <li key={reason.code} className="vpc-hop-stop">
          <StatusIndicator type="stopped">Here it ends: {reason.code}</StatusIndicator>
          <div>
            {reason.sentence} {reason.advice}
          </div>
          {reason.ids.map((id) => (
            <div key={id}>
              Change it: {nounOf(id)} <IdLink id={id} />
            </div>
          ))}
        </li>
      ))}
    </ol>
  );
}
