import {
  type ComprehendClient,
  DescribeDocumentClassificationJobCommand,
  DescribeDominantLanguageDetectionJobCommand,
  DescribeEntitiesDetectionJobCommand,
  DescribeKeyPhrasesDetectionJobCommand,
  DescribeSentimentDetectionJobCommand,
  DescribeTargetedSentimentDetectionJobCommand,
  DescribeTopicsDetectionJobCommand,
  ListDocumentClassificationJobsCommand,
  ListDominantLanguageDetectionJobsCommand,
  ListEntitiesDetectionJobsCommand,
  ListKeyPhrasesDetectionJobsCommand,
  ListSentimentDetectionJobsCommand,
  ListTargetedSentimentDetectionJobsCommand,
  ListTopicsDetectionJobsCommand,
  StartDocumentClassificationJobCommand,
  StartDominantLanguageDetectionJobCommand,
  StartEntitiesDetectionJobCommand,
  StartKeyPhrasesDetectionJobCommand,
  StartSentimentDetectionJobCommand,
  StartTargetedSentimentDetectionJobCommand,
  StartTopicsDetectionJobCommand,
  StopDominantLanguageDetectionJobCommand,
  StopEntitiesDetectionJobCommand,
  StopKeyPhrasesDetectionJobCommand,
  StopSentimentDetectionJobCommand,
  StopTargetedSentimentDetectionJobCommand,
} from "@aws-sdk/client-comprehend";
import type { JobProperties, ListJobsRequest, StartJobRequest } from "./properties";

/** What a client of the AWS SDK sends. */
export type JobCommand = Parameters<ComprehendClient["send"]>[0];

/** The class of a command, for every kind of job with the same type of input. */
export type JobCommandClass<Input> = new (input: Input) => JobCommand;

/** What a result tells: each kind of job has a form of its own. */
export type ResultKind =
  | "entities"
  | "key-phrases"
  | "sentiment"
  | "targeted-sentiment"
  | "dominant-language"
  | "topics"
  | "classification";

/** One kind of job: its place in the console and its operations. */
export interface JobKind {
  /** Its part of an address: /jobs/SLUG/ID. */
  readonly slug: ResultKind;
  readonly label: string;
  /** The resource type in the ARN of such a job. */
  readonly arnType: string;
  /** The name of its operations: Start…, Describe…, Stop…Job and List…Jobs. */
  readonly operation: string;
  readonly Start: JobCommandClass<StartJobRequest>;
  readonly Describe: JobCommandClass<{ JobId: string }>;
  readonly List: JobCommandClass<ListJobsRequest>;
  /** Absent where AWS has no such operation. */
  readonly Stop?: JobCommandClass<{ JobId: string }>;
  /** The member of a Describe answer that holds the properties; that of a List answer is the same with "List". */
  readonly properties: string;
  readonly results: ResultKind;
  /** The member that names a custom model, where the kind takes or needs one. */
  readonly modelMember?: "EntityRecognizerArn" | "DocumentClassifierArn";
}

interface Row {
  readonly slug: ResultKind;
  readonly label: string;
  readonly operation: string;
  readonly arnType: string;
  readonly classes: { Start: unknown; Describe: unknown; List: unknown; Stop?: unknown };
  readonly modelMember?: "EntityRecognizerArn" | "DocumentClassifierArn";
}

function kind({ classes, ...row }: Row): JobKind {
  // The SDK types each class by its own operation; a table of all kinds needs what they have in common.
  return {
    ...row,
    ...(classes as unknown as Pick<JobKind, "Start" | "Describe" | "List" | "Stop">),
    properties: `${row.operation}JobProperties`,
    results: row.slug,
  };
}

/** Every kind of job that the service runs, in the order in which people are offered them. */
export const JOB_KINDS: readonly JobKind[] = [
  kind({
    slug: "entities",
    label: "Entities",
    operation: "EntitiesDetection",
    arnType: "entities-detection-job",
    modelMember: "EntityRecognizerArn",
    classes: {
      Start: StartEntitiesDetectionJobCommand,
      Describe: DescribeEntitiesDetectionJobCommand,
      List: ListEntitiesDetectionJobsCommand,
      Stop: StopEntitiesDetectionJobCommand,
    },
  }),
  kind({
    slug: "key-phrases",
    label: "Key phrases",
    operation: "KeyPhrasesDetection",
    arnType: "key-phrases-detection-job",
    classes: {
      Start: StartKeyPhrasesDetectionJobCommand,
      Describe: DescribeKeyPhrasesDetectionJobCommand,
      List: ListKeyPhrasesDetectionJobsCommand,
      Stop: StopKeyPhrasesDetectionJobCommand,
    },
  }),
  kind({
    slug: "dominant-language",
    label: "Primary language",
    operation: "DominantLanguageDetection",
    arnType: "dominant-language-detection-job",
    classes: {
      Start: StartDominantLanguageDetectionJobCommand,
      Describe: DescribeDominantLanguageDetectionJobCommand,
      List: ListDominantLanguageDetectionJobsCommand,
      Stop: StopDominantLanguageDetectionJobCommand,
    },
  }),
  kind({
    slug: "sentiment",
    label: "Sentiment",
    operation: "SentimentDetection",
    arnType: "sentiment-detection-job",
    classes: {
      Start: StartSentimentDetectionJobCommand,
      Describe: DescribeSentimentDetectionJobCommand,
      List: ListSentimentDetectionJobsCommand,
      Stop: StopSentimentDetectionJobCommand,
    },
  }),
  kind({
    slug: "targeted-sentiment",
    label: "Targeted sentiment",
    operation: "TargetedSentimentDetection",
    arnType: "targeted-sentiment-detection-job",
    classes: {
      Start: StartTargetedSentimentDetectionJobCommand,
      Describe: DescribeTargetedSentimentDetectionJobCommand,
      List: ListTargetedSentimentDetectionJobsCommand,
      Stop: StopTargetedSentimentDetectionJobCommand,
    },
  }),
  kind({
    slug: "topics",
    label: "Topic modeling",
    operation: "TopicsDetection",
    arnType: "topics-detection-job",
    classes: {
      Start: StartTopicsDetectionJobCommand,
      Describe: DescribeTopicsDetectionJobCommand,
      List: ListTopicsDetectionJobsCommand,
    },
  }),
  kind({
    slug: "classification",
    label: "Custom classification",
    operation: "DocumentClassification",
    arnType: "document-classification-job",
    modelMember: "DocumentClassifierArn",
    classes: {
      Start: StartDocumentClassificationJobCommand,
      Describe: DescribeDocumentClassificationJobCommand,
      List: ListDocumentClassificationJobsCommand,
    },
  }),
];

/** The kind with this slug, which may come from an address that somebody typed. */
export function kindOf(slug: string | undefined): JobKind | undefined {
  return JOB_KINDS.find((each) => each.slug === slug);
}

/** The kind of the job with this ARN; undefined for an ARN of something else. */
export function kindOfArn(arn: string): JobKind | undefined {
  const type = arn.split(":")[5]?.split("/")[0];
  return JOB_KINDS.find((each) => each.arnType === type);
}

/** What a job of this kind is called: entities that a recognizer of the caller's own finds have another name. */
export function typeLabel(of: JobKind, job: JobProperties): string {
  return of.slug === "entities" && job.EntityRecognizerArn !== undefined ? "Custom entity recognition" : of.label;
}

/** Where the page of a job is. */
export function jobPath(of: JobKind, jobId: string): string {
  return `/jobs/${of.slug}/${encodeURIComponent(jobId)}`;
}
