import type {
  BatchItemError,
  DocumentClass,
  DominantLanguage,
  Entity,
  KeyPhrase,
  PiiEntity,
  SentimentScore,
  SyntaxToken,
  TargetedSentimentEntity,
  ToxicLabels,
} from "@aws-sdk/client-comprehend";
import { languageName } from "../components/languages";

/** The answer of any Detect operation; each has some of the members. */
export interface Answer {
  readonly Entities?: readonly (Entity | PiiEntity | TargetedSentimentEntity)[] | undefined;
  readonly KeyPhrases?: readonly KeyPhrase[] | undefined;
  readonly Languages?: readonly DominantLanguage[] | undefined;
  readonly SyntaxTokens?: readonly SyntaxToken[] | undefined;
  readonly Sentiment?: string | undefined;
  readonly SentimentScore?: SentimentScore | undefined;
  /** Of ClassifyDocument. */
  readonly Classes?: readonly DocumentClass[] | undefined;
  /** Of DetectToxicContent, with one result for each segment. */
  readonly ResultList?: readonly ToxicLabels[] | undefined;
}

/** A judgement of the whole text, with its score. */
export interface Judgement {
  readonly name: string;
  readonly score: number;
}

export interface BatchAnswer {
  readonly ResultList: readonly (Answer & { readonly Index?: number | undefined })[] | undefined;
  readonly ErrorList: readonly BatchItemError[] | undefined;
}

/** Something found at a place of the text. Offsets count code points; the end is excluded. */
export interface Finding {
  readonly key: string;
  readonly begin: number;
  readonly end: number;
  readonly text: string;
  /** The entity's type or the token's tag. Key phrases have none. */
  readonly type: string | undefined;
  readonly score: number | undefined;
  /** Of targeted sentiment only. */
  readonly mention?: Mention | undefined;
}

export interface Mention {
  /** The entity that is mentioned: its number, and the mention that describes it best. */
  readonly entity: number;
  readonly name: string;
  readonly sentiment: string | undefined;
  readonly sentimentScore: number | undefined;
  readonly groupScore: number | undefined;
}

/** Everything that has a position in the text, in the order of the answer. */
export function findingsOf(answer: Answer): Finding[] {
  return [
    ...(answer.Entities ?? []).flatMap((entity, number) =>
      isTargeted(entity) ? mentionsOf(entity, number) : [finding(`${number}`, entity, entity.Type)],
    ),
    ...(answer.KeyPhrases ?? []).map((phrase, number) => finding(`${number}`, phrase, undefined)),
    ...(answer.SyntaxTokens ?? []).map((token, number) =>
      finding(`${number}`, { ...token, Score: token.PartOfSpeech?.Score }, token.PartOfSpeech?.Tag),
    ),
  ];
}

/** The four scores of a sentiment by name, the highest first. */
export function sentimentScores(answer: Answer): { readonly name: string; readonly score: number }[] {
  const { Positive, Negative, Neutral, Mixed } = answer.SentimentScore ?? {};
  return Object.entries({ POSITIVE: Positive, NEGATIVE: Negative, NEUTRAL: Neutral, MIXED: Mixed })
    .flatMap(([name, score]) => (score === undefined ? [] : [{ name, score }]))
    .sort((one, other) => other.score - one.score);
}

/** What an answer says of the whole text, the likeliest first; toxicity as a whole comes before its types. */
export function judgementsOf(answer: Answer): Judgement[] {
  const [segment] = answer.ResultList ?? [];
  const whole = segment === undefined ? [] : [{ name: "TOXICITY", score: segment.Toxicity ?? 0 }];
  const named = [
    ...(answer.Languages ?? []).map(({ LanguageCode, Score }) => ({ name: languageName(LanguageCode ?? "-"), Score })),
    ...(answer.Classes ?? segment?.Labels ?? []).map(({ Name, Score }) => ({ name: Name ?? "-", Score })),
  ];
  return [
    ...whole,
    ...named.map(({ name, Score }) => ({ name, score: Score ?? 0 })).sort((one, other) => other.score - one.score),
  ];
}

/** The most likely language of a text; undefined if none was found. */
export function dominantLanguage(answer: Answer): { readonly code: string; readonly score: number } | undefined {
  const [best] = [...(answer.Languages ?? [])].sort((one, other) => (other.Score ?? 0) - (one.Score ?? 0));
  return best?.LanguageCode === undefined ? undefined : { code: best.LanguageCode, score: best.Score ?? 0 };
}

/** An answer in one line, for the table of a batch and for screen readers. */
export function summaryOf(answer: Answer): string {
  if (answer.Sentiment !== undefined) {
    const [best] = sentimentScores(answer);
    return best === undefined ? answer.Sentiment : `${answer.Sentiment} ${formatScore(best.score)}`;
  }
  if (answer.Languages !== undefined) {
    const best = dominantLanguage(answer);
    return best === undefined ? "No language found" : `${languageName(best.code)} ${formatScore(best.score)}`;
  }
  const [best] = judgementsOf(answer);
  if (best !== undefined) return `${best.name} ${formatScore(best.score)}`;
  const findings = findingsOf(answer);
  if (findings.length === 0) return "Nothing found";
  const shown = findings.slice(0, 8).map(wordsOf);
  const more = findings.length - shown.length;
  return shown.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

/** What a finding is called: its text, its type, or both. */
function wordsOf({ text, type }: Finding): string {
  if (type === undefined) return text;
  return text === "" ? type : `${text} (${type})`;
}

/** A score with three decimals, never rounded up to certainty. */
export function formatScore(score: number | undefined): string {
  if (score === undefined) return "-";
  return (score < 1 ? Math.min(score, 0.999) : score).toFixed(3);
}

interface Placed {
  readonly BeginOffset?: number | undefined;
  readonly EndOffset?: number | undefined;
  readonly Text?: string | undefined;
  readonly Score?: number | undefined;
}

function finding(key: string, placed: Placed, type: string | undefined): Finding {
  return {
    key,
    begin: placed.BeginOffset ?? 0,
    end: placed.EndOffset ?? 0,
    text: placed.Text ?? "",
    type,
    score: placed.Score,
  };
}

function isTargeted(entity: Entity | PiiEntity | TargetedSentimentEntity): entity is TargetedSentimentEntity {
  return "Mentions" in entity;
}

function mentionsOf(entity: TargetedSentimentEntity, number: number): Finding[] {
  const mentions = entity.Mentions ?? [];
  const name = mentions[entity.DescriptiveMentionIndex?.[0] ?? 0]?.Text ?? "";
  return mentions.map((mention, index) => {
    const { Sentiment, SentimentScore } = mention.MentionSentiment ?? {};
    const scores = sentimentScores({ SentimentScore });
    return {
      ...finding(`${number}.${index}`, mention, mention.Type),
      mention: {
        entity: number + 1,
        name,
        sentiment: Sentiment,
        sentimentScore: scores.find((each) => each.name === Sentiment)?.score,
        groupScore: mention.GroupScore,
      },
    };
  });
}
