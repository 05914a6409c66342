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
  // Without an interface, the only source is what a job would get.
  const none = there.data?.length === 0 && question.source === "";
  const shown: Question = none ? { ...question, from: "subnet" } : question;
  const problems = questionProblems(shown);
  const asking = useMutation<NetworkInsightsAnalysis, unknown, Question>({
    mutationFn: (shown) => analyse(ec2, getConfig().region, shown),
  });
  const ask = (): void => {
    setTried(true);
    if (Object.keys(problems).length === 0) asking.mutate(shown);
  };
  return (
    <Page
      title="Reachability"
      description="Can one resource reach another? The answer is computed from the current configuration; no packet is sent."
      above={[{ text: "VPC", href: "/vpc" }]}
    >
      <Container
        header={
          <Header
            variant="h2"
            description="You need permission for EC2's network insights actions. What is created for an analysis is deleted afterwards."
          >
            Question
          </Header>
        }
      >
        <SpaceBetween size="l">
          <QuestionForm
            value={shown}
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
