import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import type { ReactNode } from "react";
import { RouterLink } from "../components/RouterLink";

/** For a user who has nothing yet: from documents to the results of a first job in four steps. */
export function FirstSteps() {
  return (
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
