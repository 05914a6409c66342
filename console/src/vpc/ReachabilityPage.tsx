import type { NetworkInsightsAnalysis } from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { getConfig } from "../api/config";
import { useEc2 } from "../api/ec2";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { interfaces } from "./data/reads";
import { useRead } from "./data/use";
import { analyse } from "./reach/analyse";
import { QuestionForm } from "./reach/QuestionForm";
import { ResultPanel } from "./reach/ResultPanel";
import { type Question, questionProblems } from "./reach/request";

/** Whether one thing reaches another, hop by hop, with the rule that decides. No packet is sent. */
export default function ReachabilityPage() {
  const [query] = useSearchParams();
  const ec2 = useEc2();
  const [tried, setTried] = useState(false);
  const [question, setQuestion] = useState<Question>({
    from: "resource",
    source: query.get("source") ?? "",
    subnet: "",
    group: "",
    kind: "s3",
    destination: "",
    address: "",
    protocol: "tcp",
    port: "443",
  });
  const there = useRead(interfaces);
  // Without an interface, what a job would get is the only place to start from.
  const none = there.data?.length === 0 && question.source === "";
  const asked: Question = none ? { ...question, from: "subnet" } : question;
  const problems = questionProblems(asked);
  const asking = useMutation<NetworkInsightsAnalysis, unknown, Question>({
    mutationFn: (asked) => analyse(ec2, getConfig().region, asked),
  });
  const ask = (): void => {
    setTried(true);
    if (Object.keys(problems).length === 0) asking.mutate(asked);
  };
  return (
    <Page
      title="Reachability"
      description="Does one thing reach another? It is computed from the configuration of this moment; no packet is sent."
      above={[{ text: "VPC", href: "/vpc" }]}
    >
      <Container
        header={
          <Header
            variant="h2"
            description="You need permission for the network insights actions of EC2. What is created for a question is deleted after it."
          >
            Question
          </Header>
        }
      >
        <SpaceBetween size="l">
          <QuestionForm
            value={asked}
            problems={tried ? problems : {}}
            onChange={(change) => {
              setQuestion((known) => ({ ...known, ...change }));
              asking.reset();
            }}
          />
          <Button variant="primary" loading={asking.isPending} onClick={ask}>
            Analyze
          </Button>
        </SpaceBetween>
      </Container>
      {asking.error !== null && <ErrorAlert what="The analysis failed" error={asking.error} onRetry={ask} />}
      {asking.data !== undefined && <ResultPanel analysis={asking.data} />}
    </Page>
  );
}
