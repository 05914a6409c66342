import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useEc2 } from "../../api/ec2";
import { readError } from "../../api/errors";
import { formatDuration, formatNumber, formatTime } from "../../components/format";
import { RouterLink } from "../../components/RouterLink";
import { modelPath } from "../../models/arn";
import { promiseWords } from "../../profiles/profile";
import { IdLinks } from "../../vpc/IdLink";
import { type RunView, whyNoProgress } from "../hooks";
import { RunProgress } from "../JobProgress";
import { type JobKind, typeLabel } from "../kinds";
import { RoleLink, StorageLink } from "../parts/ResourceLinks";
import { isActive, type JobProperties, outcomeWords } from "../properties";
import { otherMembers, otherProperties, type PropertyRow } from "../rows";
import { StatusLabel } from "../StatusLabel";

interface Props {
  readonly kind: JobKind;
  readonly job: JobProperties;
  readonly view: RunView;
}

/** Every property of a job. */
export function OverviewTab({ kind, job, view }: Props) {
  const active = isActive(job.JobStatus);
  const name = job.JobName ?? job.JobId ?? "";
  const { InputFormat: format, ...input } = job.InputDataConfig ?? {};
  const settings: KeyValuePairsProps.Item[] = [
    pair("Type", typeLabel(kind, job)),
    pair("Name", job.JobName === undefined ? "-" : <bdi>{job.JobName}</bdi>),
    pair("Status", <StatusLabel status={job.JobStatus} warned={outcomeWords(job) !== undefined} />),
    ...optional("Outcome", outcomeWords(job)),
    ...(active ? [pair("Progress", <Progress view={view} name={name} />)] : ended(view)),
    pair("Start", job.SubmitTime ? formatTime(job.SubmitTime, true) : "-"),
    pair("End", job.EndTime ? formatTime(job.EndTime, true) : "-"),
    pair(
      "Took",
      job.SubmitTime && job.EndTime ? formatDuration(job.EndTime.getTime() - job.SubmitTime.getTime()) : "-",
    ),
    ...optional("Language", job.LanguageCode),
    ...optional("Number of topics", job.NumberOfTopics),
    ...promised(view),
    ...models(job),
    ...named(otherProperties(job)),
  ];
  const ids = [
    pair("Job ID", <Copied label="job ID" text={job.JobId} />),
    pair("Job ARN", <Copied label="job ARN" text={job.JobArn} />),
  ];
  return (
    <SpaceBetween size="l">
      <Section title="Job" items={settings} wide={ids} />
      <Section
        title="Data"
        items={[
          ...optional("Input format", INPUT_WORDS[format ?? ""] ?? format),
          ...named(otherMembers(input)),
          ...named(otherMembers(job.OutputDataConfig)),
        ]}
        wide={[
          pair("Input", <StorageLink uri={job.InputDataConfig?.S3Uri} />),
          pair("Output", <StorageLink uri={job.OutputDataConfig?.S3Uri} />),
          pair("Data access role", <RoleLink arn={job.DataAccessRoleArn} />),
        ]}
      />
      <Network job={job} />
    </SpaceBetween>
  );
}

/** The recall that the job promises, by the profile that it was submitted with. */
function promised({ run }: RunView): KeyValuePairsProps.Item[] {
  const profile = run?.PiiProfile;
  return profile === undefined ? [] : optional("Promised recall", `${promiseWords(profile)} (${profile.Name})`);
}

const INPUT_WORDS: Readonly<Record<string, string>> = {
  ONE_DOC_PER_FILE: "One document per file",
  ONE_DOC_PER_LINE: "One document per line",
};

function Network({ job }: { readonly job: JobProperties }) {
  const ec2 = useEc2();
  const subnets = job.VpcConfig?.Subnets ?? [];
  const { data, error } = useQuery({
    queryKey: ["ec2", "DescribeSubnets", ...subnets],
    queryFn: ({ signal }) => ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }), { abortSignal: signal }),
    enabled: subnets.length > 0,
  });
  if (job.VpcConfig === undefined) {
    return (
      <Container header={<Header variant="h2">VPC</Header>}>
        <Box>
          None: the job runs in the network of the service. With VPC settings it has interfaces in your own subnets, and
          reaches only what your route tables, groups and endpoints allow.
        </Box>
      </Container>
    );
  }
  // The API does not return the VPC of a job: it is that of its subnets.
  const vpcs = [...new Set((data?.Subnets ?? []).map((subnet) => subnet.VpcId))];
  const unknown = error === null ? "…" : `Not known: ${readError(error).message}`;
  return (
    <Section
      title="VPC"
      items={[
        pair("VPC", vpcs.length === 0 ? unknown : <IdLinks ids={vpcs} />),
        pair("Subnets", <IdLinks ids={subnets} />),
        pair("Security groups", <IdLinks ids={job.VpcConfig.SecurityGroupIds} />),
      ]}
    />
  );
}

function Progress({ view, name }: { readonly view: RunView; readonly name: string }) {
  if (view.run !== undefined) return <RunProgress run={view.run} name={name} />;
  return <>{whyNoProgress(view.error) ?? "…"}</>;
}

/** The documents of a job that has ended. */
function ended({ run }: RunView): KeyValuePairsProps.Item[] {
  if (run === undefined || run.Documents === 0) return [];
  const of = run.TotalDocuments === undefined ? "" : ` of ${formatNumber(run.TotalDocuments)}`;
  return [pair("Documents", `${formatNumber(run.Documents)}${of}`)];
}

function models(job: JobProperties): KeyValuePairsProps.Item[] {
  const arn = job.EntityRecognizerArn ?? job.DocumentClassifierArn;
  if (arn === undefined) return [];
  const label = job.EntityRecognizerArn === undefined ? "Classifier" : "Recognizer";
  return [pair(label, <RouterLink to={modelPath(arn)}>{arn}</RouterLink>)];
}

function Copied({ label, text }: { readonly label: string; readonly text: string | undefined }) {
  if (text === undefined) return <>-</>;
  return (
    <CopyToClipboard
      variant="inline"
      textToCopy={text}
      copyButtonAriaLabel={`Copy the ${label}`}
      copySuccessText="Copied"
      copyErrorText="The browser did not allow copying: select the text and copy it."
    />
  );
}

interface SectionProps {
  readonly title: string;
  readonly items: readonly KeyValuePairsProps.Item[];
  /** Long ids and addresses, each in a row of its own, so that they need not break. */
  readonly wide?: readonly KeyValuePairsProps.Item[];
}

function Section({ title, items, wide = [] }: SectionProps) {
  return (
    <Container header={<Header variant="h2">{title}</Header>}>
      <SpaceBetween size="m">
        {items.length > 0 && <KeyValuePairs columns={3} items={items} />}
        {wide.length > 0 && <KeyValuePairs columns={1} items={wide} />}
      </SpaceBetween>
    </Container>
  );
}

function pair(label: string, value: ReactNode): KeyValuePairsProps.Item {
  return { label, value: <Box>{value}</Box> };
}

function optional(label: string, value: string | number | undefined): KeyValuePairsProps.Item[] {
  return value === undefined ? [] : [pair(label, String(value))];
}

function named(rows: readonly PropertyRow[]): KeyValuePairsProps.Item[] {
  return rows.map(({ name, value }) => pair(name, <bdi>{value}</bdi>));
}
