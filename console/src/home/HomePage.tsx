import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { getConfig } from "../api/config";
import { Breakable } from "../components/Breakable";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { useSignedIn } from "../session/session";

/** The start page: from nothing to a job's results in four steps. */
export default function HomePage() {
  const { identity } = useSignedIn();
  const { apiUrl, region, version } = getConfig();
  return (
    <Page
      title="Reading Room"
      description="Analysis jobs that read your documents inside your own VPC. Documents come in; nothing leaves."
      actions={
        <RouterButton variant="primary" to="/jobs/create">
          Create job
        </RouterButton>
      }
    >
      <ColumnLayout columns={4} minColumnWidth={220}>
        <Step number={1} title="Documents" action={<RouterLink to="/s3">Upload to a bucket</RouterLink>}>
          Text files in a bucket, one document per file or per line.
        </Step>
        <Step number={2} title="A private VPC" action={<RouterLink to="/vpc/create">Build one in one form</RouterLink>}>
          Subnets, a security group and an endpoint to your bucket. The kernel of this machine enforces them.
        </Step>
        <Step number={3} title="A job" action={<RouterLink to="/jobs/create">Create a job</RouterLink>}>
          Entities, key phrases, language, sentiment, topics or your own model, in containers inside that VPC.
        </Step>
        <Step number={4} title="Results" action={<RouterLink to="/jobs">See the jobs</RouterLink>}>
          Highlighted in the text, counted, and ready to download. The job's story says what happened.
        </Step>
      </ColumnLayout>
      <ColumnLayout columns={3} minColumnWidth={260}>
        <Container header={<Header variant="h2">See the network</Header>}>
          <SpaceBetween size="xs">
            <RouterLink to="/vpc/map">The resource map</RouterLink>
            <RouterLink to="/vpc/reachability">What can reach what, and which rule decides</RouterLink>
            <RouterLink to="/vpc/flow-records">Every packet, accepted or rejected</RouterLink>
          </SpaceBetween>
        </Container>
        <Container header={<Header variant="h2">Know why</Header>}>
          <SpaceBetween size="xs">
            <RouterLink to="/access/explain">Why a request was denied</RouterLink>
            <RouterLink to="/access/simulator">What a policy would decide</RouterLink>
            <RouterLink to="/access/trail">Who called what</RouterLink>
          </SpaceBetween>
        </Container>
        <Container header={<Header variant="h2">Try it now</Header>}>
          <SpaceBetween size="xs">
            <RouterLink to="/analyze">Analyze a text in real time</RouterLink>
            <RouterLink to="/models">Train a model of your own</RouterLink>
          </SpaceBetween>
        </Container>
      </ColumnLayout>
      <Container header={<Header variant="h2">This installation</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Signed in as", value: <Breakable text={identity.arn} /> },
            { label: "Account", value: identity.account },
            { label: "Region", value: region },
            { label: "API", value: `${apiUrl} (version ${version})` },
          ]}
        />
      </Container>
    </Page>
  );
}

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly action: ReactNode;
  readonly children: ReactNode;
}

function Step({ number, title, action, children }: StepProps) {
  return (
    <Container fitHeight header={<Header variant="h2">{`${number}. ${title}`}</Header>} footer={action}>
      <Box variant="p">{children}</Box>
    </Container>
  );
}
