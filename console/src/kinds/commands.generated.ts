// Written by `make docs` from src/reading_room/analysis/kinds.py. Do not edit.

import {
  BatchDetectDominantLanguageCommand,
  BatchDetectEntitiesCommand,
  BatchDetectKeyPhrasesCommand,
  BatchDetectSentimentCommand,
  BatchDetectSyntaxCommand,
  BatchDetectTargetedSentimentCommand,
  ClassifyDocumentCommand,
  DescribeDocumentClassificationJobCommand,
  DescribeDominantLanguageDetectionJobCommand,
  DescribeEntitiesDetectionJobCommand,
  DescribeEventsDetectionJobCommand,
  DescribeKeyPhrasesDetectionJobCommand,
  DescribePiiEntitiesDetectionJobCommand,
  DescribeSentimentDetectionJobCommand,
  DescribeTargetedSentimentDetectionJobCommand,
  DescribeTopicsDetectionJobCommand,
  DetectDominantLanguageCommand,
  DetectEntitiesCommand,
  DetectKeyPhrasesCommand,
  DetectPiiEntitiesCommand,
  DetectSentimentCommand,
  DetectSyntaxCommand,
  DetectTargetedSentimentCommand,
  DetectToxicContentCommand,
  ListDocumentClassificationJobsCommand,
  ListDominantLanguageDetectionJobsCommand,
  ListEntitiesDetectionJobsCommand,
  ListEventsDetectionJobsCommand,
  ListKeyPhrasesDetectionJobsCommand,
  ListPiiEntitiesDetectionJobsCommand,
  ListSentimentDetectionJobsCommand,
  ListTargetedSentimentDetectionJobsCommand,
  ListTopicsDetectionJobsCommand,
  StartDocumentClassificationJobCommand,
  StartDominantLanguageDetectionJobCommand,
  StartEntitiesDetectionJobCommand,
  StartEventsDetectionJobCommand,
  StartKeyPhrasesDetectionJobCommand,
  StartPiiEntitiesDetectionJobCommand,
  StartSentimentDetectionJobCommand,
  StartTargetedSentimentDetectionJobCommand,
  StartTopicsDetectionJobCommand,
  StopDominantLanguageDetectionJobCommand,
  StopEntitiesDetectionJobCommand,
  StopEventsDetectionJobCommand,
  StopKeyPhrasesDetectionJobCommand,
  StopPiiEntitiesDetectionJobCommand,
  StopSentimentDetectionJobCommand,
  StopTargetedSentimentDetectionJobCommand,
} from "@aws-sdk/client-comprehend";

/** The commands of each kind of job. */
export const JOB_COMMANDS = {
  entities: {
    Start: StartEntitiesDetectionJobCommand,
    Describe: DescribeEntitiesDetectionJobCommand,
    List: ListEntitiesDetectionJobsCommand,
    Stop: StopEntitiesDetectionJobCommand,
  },
  "key-phrases": {
    Start: StartKeyPhrasesDetectionJobCommand,
    Describe: DescribeKeyPhrasesDetectionJobCommand,
    List: ListKeyPhrasesDetectionJobsCommand,
    Stop: StopKeyPhrasesDetectionJobCommand,
  },
  "dominant-language": {
    Start: StartDominantLanguageDetectionJobCommand,
    Describe: DescribeDominantLanguageDetectionJobCommand,
    List: ListDominantLanguageDetectionJobsCommand,
    Stop: StopDominantLanguageDetectionJobCommand,
  },
  sentiment: {
    Start: StartSentimentDetectionJobCommand,
    Describe: DescribeSentimentDetectionJobCommand,
    List: ListSentimentDetectionJobsCommand,
    Stop: StopSentimentDetectionJobCommand,
  },
  "targeted-sentiment": {
    Start: StartTargetedSentimentDetectionJobCommand,
    Describe: DescribeTargetedSentimentDetectionJobCommand,
    List: ListTargetedSentimentDetectionJobsCommand,
    Stop: StopTargetedSentimentDetectionJobCommand,
  },
  topics: {
    Start: StartTopicsDetectionJobCommand,
    Describe: DescribeTopicsDetectionJobCommand,
    List: ListTopicsDetectionJobsCommand,
  },
  classification: {
    Start: StartDocumentClassificationJobCommand,
    Describe: DescribeDocumentClassificationJobCommand,
    List: ListDocumentClassificationJobsCommand,
  },
  pii: {
    Start: StartPiiEntitiesDetectionJobCommand,
    Describe: DescribePiiEntitiesDetectionJobCommand,
    List: ListPiiEntitiesDetectionJobsCommand,
    Stop: StopPiiEntitiesDetectionJobCommand,
  },
  events: {
    Start: StartEventsDetectionJobCommand,
    Describe: DescribeEventsDetectionJobCommand,
    List: ListEventsDetectionJobsCommand,
    Stop: StopEventsDetectionJobCommand,
  },
};

/** The commands of each analysis of a text. */
export const TEXT_COMMANDS = {
  entities: {
    Detect: DetectEntitiesCommand,
    Batch: BatchDetectEntitiesCommand,
  },
  "key-phrases": {
    Detect: DetectKeyPhrasesCommand,
    Batch: BatchDetectKeyPhrasesCommand,
  },
  "dominant-language": {
    Detect: DetectDominantLanguageCommand,
    Batch: BatchDetectDominantLanguageCommand,
  },
  sentiment: {
    Detect: DetectSentimentCommand,
    Batch: BatchDetectSentimentCommand,
  },
  "targeted-sentiment": {
    Detect: DetectTargetedSentimentCommand,
    Batch: BatchDetectTargetedSentimentCommand,
  },
  pii: {
    Detect: DetectPiiEntitiesCommand,
  },
  syntax: {
    Detect: DetectSyntaxCommand,
    Batch: BatchDetectSyntaxCommand,
  },
  toxicity: {
    Detect: DetectToxicContentCommand,
  },
  "prompt-safety": {
    Detect: ClassifyDocumentCommand,
  },
};
