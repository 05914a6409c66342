import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { Page } from "../components/Page";
import { DecodeForm } from "./explain/DecodeForm";
import { ExplanationView } from "./explain/ExplanationView";
import { requestIdOf } from "./explain/explanation";
import { RecentDenials } from "./explain/RecentDenials";

export default function ExplainPage() {
  const { requestId } = useParams();
  const above = [{ text: "Access", href: "/access" }];
  if (requestId !== undefined) {
    return (
      <Page
        title={`Request ${requestId}`}
        above={[...above, { text: "Explain a denial", href: "/access/explain" }]}
        description="The call, and each decision against it, statement by statement."
      >
        <ExplanationView requestId={requestId} />
      </Page>
    );
  }
  return (
    <Page
      title="Explain a denial"
      above={above}
      description="Why a request was refused: the policy and statement that decided, and what came closest to allowing it."
    >
      <ById />
      <RecentDenials />
      <Container header={<Header variant="h2">EC2's encoded messages</Header>}>
        <DecodeForm />
      </Container>
    </Page>
  );
}

function ById() {
  const navigate = useNavigate();
  const [pasted, setPasted] = useState("");
  const id = requestIdOf(pasted);
  const go = (): void => {
    if (id !== undefined) navigate(`/access/explain/${encodeURIComponent(id)}`);
  };
  return (
    <Container header={<Header variant="h2">By its id</Header>}>
      <SpaceBetween size="s">
        <FormField
          label="Request id or job id"
          description="Every error has a request id. The id of a job explains every request that its role was refused."
          errorText={pasted !== "" && id === undefined ? "There is no id in this text." : undefined}
        >
          <Input
            value={pasted}
            onChange={({ detail }) => setPasted(detail.value)}
            onKeyDown={({ detail }) => {
              if (detail.key === "Enter") go();
            }}
          />
        </FormField>
        <Button variant="primary" disabled={id === undefined} onClick={go}>
          Explain
        </Button>
      </SpaceBetween>
    </Container>
  );
}
