// Written by `make docs` from src/reading_room/analysis/kinds.py. Do not edit.

import type { JobRow, ResultRow, TextRow } from "./row";

/** The kinds of job, each with results of its own form. */
export type ResultKind =
  | "entities"
  | "key-phrases"
  | "dominant-language"
  | "sentiment"
  | "targeted-sentiment"
  | "topics"
  | "classification"
  | "pii"
  | "events";

/** The analyses that have synchronous operations. */
export type TextKindId =
  | "entities"
  | "key-phrases"
  | "dominant-language"
  | "sentiment"
  | "targeted-sentiment"
  | "pii"
  | "syntax"
  | "toxicity"
  | "prompt-safety";

/** Every kind of job, in the order in which people are offered them. */
export const JOB_ROWS: readonly JobRow[] = [
  {
    slug: "entities",
    label: "Entities",
    description: "Names of people, places, organisations, dates and quantities.",
    operation: "EntitiesDetection",
    arnType: "entities-detection-job",
    properties: "EntitiesDetectionJobProperties",
    builtIn: true,
    languages: ["en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"],
    model: {
      member: "EntityRecognizerArn",
      analysis: "custom-entities",
      label: "Custom entity recognition",
      description: "Your own types of entities, by a recognizer that you trained.",
    },
  },
  {
    slug: "key-phrases",
    label: "Key phrases",
    description: "The noun phrases that say what a text is about.",
    operation: "KeyPhrasesDetection",
    arnType: "key-phrases-detection-job",
    properties: "KeyPhrasesDetectionJobProperties",
    builtIn: true,
    languages: ["en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"],
  },
  {
    slug: "dominant-language",
    label: "Primary language",
    description: "The language that each document is written in.",
    operation: "DominantLanguageDetection",
    arnType: "dominant-language-detection-job",
    properties: "DominantLanguageDetectionJobProperties",
    builtIn: true,
    languages: [],
  },
  {
    slug: "sentiment",
    label: "Sentiment",
    description: "Whether a document is positive, negative, neutral or mixed.",
    operation: "SentimentDetection",
    arnType: "sentiment-detection-job",
    properties: "SentimentDetectionJobProperties",
    builtIn: true,
    languages: ["en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"],
  },
  {
    slug: "targeted-sentiment",
    label: "Targeted sentiment",
    description: "What a text says of each thing it mentions.",
    operation: "TargetedSentimentDetection",
    arnType: "targeted-sentiment-detection-job",
    properties: "TargetedSentimentDetectionJobProperties",
    builtIn: true,
    languages: ["en"],
    documentedLanguages: ["en"],
  },
  {
    slug: "topics",
    label: "Topic modeling",
    description: "The subjects of a whole collection, and which documents belong to them.",
    operation: "TopicsDetection",
    arnType: "topics-detection-job",
    properties: "TopicsDetectionJobProperties",
    builtIn: true,
    languages: [],
  },
  {
    slug: "classification",
    label: "Custom classification",
    description: "Your own classes, by a classifier that you trained.",
    operation: "DocumentClassification",
    arnType: "document-classification-job",
    properties: "DocumentClassificationJobProperties",
    builtIn: false,
    languages: [],
    model: {
      member: "DocumentClassifierArn",
      analysis: "classification",
      label: "Custom classification",
      description: "Your own classes, by a classifier that you trained.",
    },
  },
  {
    slug: "pii",
    label: "Personal data",
    description: "Names, addresses, numbers and other data about people (PII).",
    operation: "PiiEntitiesDetection",
    arnType: "pii-entities-detection-job",
    properties: "PiiEntitiesDetectionJobProperties",
    builtIn: true,
    languages: ["en", "es", "fr", "de", "it", "pt"],
    documentedLanguages: ["en", "es"],
    vpcTag: true,
    redacts: true,
    folder: true,
  },
  {
    slug: "events",
    label: "Events",
    description: "Mergers, offerings, appointments and other events of companies, and who takes part in them.",
    operation: "EventsDetection",
    arnType: "events-detection-job",
    properties: "EventsDetectionJobProperties",
    builtIn: true,
    languages: ["en"],
    documentedLanguages: ["en"],
    eventTypes: [
      "BANKRUPTCY",
      "EMPLOYMENT",
      "CORPORATE_ACQUISITION",
      "INVESTMENT_GENERAL",
      "CORPORATE_MERGER",
      "IPO",
      "RIGHTS_ISSUE",
      "SECONDARY_OFFERING",
      "SHELF_OFFERING",
      "TENDER_OFFERING",
      "STOCK_SPLIT",
    ],
    vpcTag: true,
    folder: true,
  },
];

/** Every analysis of a text at once, in the order of the tabs. */
export const TEXT_ROWS: readonly TextRow[] = [
  {
    id: "entities",
    label: "Entities",
    detect: "DetectEntities",
    batch: "BatchDetectEntities",
    languages: ["en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"],
    textBytes: 100_000,
  },
  {
    id: "key-phrases",
    label: "Key phrases",
    detect: "DetectKeyPhrases",
    batch: "BatchDetectKeyPhrases",
    languages: ["en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"],
    textBytes: 100_000,
  },
  {
    id: "dominant-language",
    label: "Language",
    detect: "DetectDominantLanguage",
    batch: "BatchDetectDominantLanguage",
    textBytes: 100_000,
  },
  {
    id: "sentiment",
    label: "Sentiment",
    detect: "DetectSentiment",
    batch: "BatchDetectSentiment",
    languages: ["en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"],
    textBytes: 5_000,
  },
  {
    id: "targeted-sentiment",
    label: "Targeted sentiment",
    detect: "DetectTargetedSentiment",
    batch: "BatchDetectTargetedSentiment",
    languages: ["en"],
    textBytes: 5_000,
  },
  {
    id: "pii",
    label: "Personal data",
    detect: "DetectPiiEntities",
    languages: ["en", "es", "fr", "de", "it", "pt"],
    textBytes: 100_000,
  },
  {
    id: "syntax",
    label: "Syntax",
    detect: "DetectSyntax",
    batch: "BatchDetectSyntax",
    languages: ["en", "de", "es", "fr", "it", "pt"],
    textBytes: 5_000,
  },
  {
    id: "toxicity",
    label: "Toxicity",
    detect: "DetectToxicContent",
    languages: ["en"],
    textBytes: 1_024,
    form: "segments",
  },
  {
    id: "prompt-safety",
    label: "Prompt safety",
    detect: "ClassifyDocument",
    languages: ["en"],
    textBytes: 100_000,
    form: "prompt",
  },
];

/** What each analysis finds. */
export const RESULTS: Readonly<Record<ResultKind | TextKindId, ResultRow>> = {
  entities: {
    layout: "spans",
    members: ["Entities"],
    typeMember: "Type",
    one: "entity",
    many: "entities",
    type: "Type",
  },
  "key-phrases": {
    layout: "spans",
    members: ["KeyPhrases"],
    one: "key phrase",
    many: "key phrases",
    type: "Type",
  },
  "dominant-language": {
    layout: "types",
    members: ["Languages"],
    typeMember: "LanguageCode",
    one: "language",
    many: "languages",
    type: "Language",
  },
  sentiment: {
    layout: "tone",
    members: [],
    typeMember: "Sentiment",
    one: "sentiment",
    many: "sentiments",
    type: "Sentiment",
  },
  "targeted-sentiment": {
    layout: "mentions",
    members: ["Entities"],
    typeMember: "Type",
    one: "mention",
    many: "mentions",
    type: "Type",
  },
  topics: {
    layout: "topics",
    members: [],
    typeMember: "Topic",
    one: "topic",
    many: "topics",
    type: "Topic",
  },
  classification: {
    layout: "types",
    members: ["Classes", "Labels"],
    typeMember: "Name",
    one: "class",
    many: "classes",
    type: "Class",
  },
  pii: {
    layout: "offsets",
    members: ["Entities"],
    typeMember: "Type",
    one: "place",
    many: "places",
    type: "Type",
  },
  events: {
    layout: "events",
    members: ["Events"],
    typeMember: "Type",
    one: "event",
    many: "events",
    type: "Type",
  },
  syntax: {
    layout: "tokens",
    members: ["SyntaxTokens"],
    typeMember: "PartOfSpeech",
    one: "token",
    many: "tokens",
    type: "Part of speech",
  },
  toxicity: {
    layout: "types",
    members: ["Labels"],
    typeMember: "Name",
    one: "type of content",
    many: "types of content",
    type: "Type",
  },
  "prompt-safety": {
    layout: "types",
    members: ["Classes"],
    typeMember: "Name",
    one: "class",
    many: "classes",
    type: "Class",
  },
};
