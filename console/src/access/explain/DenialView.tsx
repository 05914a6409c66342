import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { formatTime } from "../../components/format";
import { formatJson } from "../../components/policy/problems";
import { RouterButton } from "../../components/RouterButton";
import { RouterLink } from "../../components/RouterLink";
import { principalHref } from "../data/names";
import { Decision } from "../parts/Decision";
import {
  causesDenial,
  conditionText,
  type Denial,
  type ExplainedStatement,
  otherMismatches,
  simulatorHref,
} from "./explanation";

/** One decision against a call: what decided, what came closest to allowing it, and the request. */
export function DenialView({ denial }: { readonly denial: Denial }) {
  const principal = principalHref(denial.PrincipalArn);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={denial.Message}
          actions={<RouterButton to={simulatorHref(denial)}>Simulate it</RouterButton>}
        >
          {denial.Action}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={2}
          items={[
            { label: "Decision", value: <Decision decision={denial.Decision} /> },
            { label: "When", value: formatTime(denial.At * 1000) },
            {
              label: "Who",
              value: principal ? <RouterLink to={principal}>{denial.PrincipalArn}</RouterLink> : denial.PrincipalArn,
            },
            { label: "Resource", value: denial.Resource },
          ]}
        />
        <div>
          <Box variant="h3">Why</Box>
          <ul>
            {denial.Because.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
          {denial.Withheld !== undefined && <StatusIndicator type="info">{denial.Withheld}</StatusIndicator>}
        </div>
        <Statements title="The statement that denies it" statements={denial.DecidingStatements} />
        <Statements title="The statement that came closest to allowing it" statements={denial.ClosestStatements} />
        <ExpandableSection headerText={`Policies that were evaluated (${denial.Policies.length})`}>
          <ul>
            {denial.Policies.map((policy) => (
              <li key={policy}>{policy}</li>
            ))}
          </ul>
        </ExpandableSection>
        <ExpandableSection headerText={`Condition keys of the request (${denial.Context.length})`}>
          <KeyValuePairs
            columns={2}
            items={denial.Context.map(({ Key, Values }) => ({ label: Key, value: Values.join(", ") || "(empty)" }))}
          />
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}

function Statements(props: { readonly title: string; readonly statements: readonly ExplainedStatement[] }) {
  const { title, statements } = props;
  if (statements.length === 0) return null;
  return (
    <div>
      <Box variant="h3">{statements.length === 1 ? title : title.replace("statement that", "statements that")}</Box>
      <SpaceBetween size="m">
        {statements.map((statement) => (
          <div key={`${statement.Policy} ${statement.Statement}`}>
            <Box variant="p">
              {statement.Effect}, {statement.Statement} of {statement.Policy}
            </Box>
            <ul>
              {otherMismatches(statement).map((mismatch) => (
                <li key={mismatch}>
                  <StatusIndicator type="error">{mismatch}</StatusIndicator>
                </li>
              ))}
              {statement.Conditions.map((condition) => (
                <li key={`${condition.Operator} ${condition.Key}`}>
                  <StatusIndicator type={causesDenial(statement.Effect, condition.Holds) ? "error" : "success"}>
                    {conditionText(condition)}
                  </StatusIndicator>
                </li>
              ))}
            </ul>
            <div className="mono">{formatJson(statement.Document)}</div>
          </div>
        ))}
      </SpaceBetween>
    </div>
  );
}
