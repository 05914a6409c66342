import { describe, expect, it } from "vitest";
import {
  type Answer,
  dominantLanguage,
  findingsOf,
  formatScore,
  judgementsOf,
  sentimentScores,
  summaryOf,
} from "../../src/analyze/findings";

const targeted: Answer = {
  Entities: [
    {
      DescriptiveMentionIndex: [1],
      Mentions: [
        {
          BeginOffset: 20,
          EndOffset: 22,
          Score: 0.9,
          GroupScore: 0.5,
          Text: "it",
          Type: "OTHER",
          MentionSentiment: {
            Sentiment: "NEGATIVE",
            SentimentScore: { Positive: 0.1, Negative: 0.7, Neutral: 0.2, Mixed: 0 },
          },
        },
        { BeginOffset: 4, EndOffset: 8, Score: 0.91, GroupScore: 1, Text: "lamp", Type: "OTHER" },
      ],
    },
  ],
};

describe("the findings of an answer", () => {
  it("are its entities, with their types and positions", () => {
    const answer: Answer = { Entities: [{ BeginOffset: 0, EndOffset: 3, Score: 0.9, Text: "Ada", Type: "PERSON" }] };
    expect(findingsOf(answer)).toMatchObject([{ begin: 0, end: 3, text: "Ada", type: "PERSON", score: 0.9 }]);
  });

  it("are its key phrases, which have no type", () => {
    const [found] = findingsOf({ KeyPhrases: [{ BeginOffset: 1, EndOffset: 2, Text: "x", Score: 1 }] });
    expect(found?.type).toBeUndefined();
  });

  it("are its tokens, with the tag's score", () => {
    const token = { BeginOffset: 0, EndOffset: 2, Text: "It", PartOfSpeech: { Tag: "PRON" as const, Score: 0.99 } };
    expect(findingsOf({ SyntaxTokens: [token] })).toMatchObject([{ type: "PRON", score: 0.99 }]);
  });

  it("are the mentions of targeted sentiment, with the one that describes the entity", () => {
    const [first, second] = findingsOf(targeted);
    expect(first?.mention).toEqual({
      entity: 1,
      name: "lamp",
      sentiment: "NEGATIVE",
      sentimentScore: 0.7,
      groupScore: 0.5,
    });
    expect(second?.mention?.sentiment).toBeUndefined();
    expect(first?.key).not.toBe(second?.key);
  });

  it("are empty if nothing was found", () => {
    expect(findingsOf({ Entities: [] })).toEqual([]);
    expect(summaryOf({ Entities: [] })).toBe("Nothing found");
  });
});

describe("scores", () => {
  it("are sorted highest first, without missing ones", () => {
    expect(sentimentScores({ SentimentScore: { Positive: 0.2, Negative: 0.5, Mixed: 0 } })).toEqual([
      { name: "NEGATIVE", score: 0.5 },
      { name: "POSITIVE", score: 0.2 },
      { name: "MIXED", score: 0 },
    ]);
  });

  it("are never rounded up to certainty", () => {
    expect(formatScore(0.99999)).toBe("0.999");
    expect(formatScore(1)).toBe("1.000");
    expect(formatScore(0)).toBe("0.000");
    expect(formatScore(undefined)).toBe("-");
  });
});

describe("the dominant language", () => {
  it("is the one with the highest score, whatever its position", () => {
    const Languages = [
      { LanguageCode: "pt", Score: 0.3 },
      { LanguageCode: "es", Score: 0.6 },
    ];
    expect(dominantLanguage({ Languages })).toEqual({ code: "es", score: 0.6 });
  });

  it("is undefined if no language was found", () => {
    expect(dominantLanguage({ Languages: [] })).toBeUndefined();
    expect(summaryOf({ Languages: [] })).toBe("No language found");
  });
});

describe("a summary", () => {
  it("names what was found, and how much more there is", () => {
    const Entities = Array.from({ length: 10 }, (_, index) => ({ Text: `E${index}`, Type: "DATE" as const }));
    expect(summaryOf({ Entities })).toMatch(/^E0 \(DATE\), .*, and 2 more$/);
  });

  it("shows a sentiment with its score", () => {
    expect(summaryOf({ Sentiment: "MIXED", SentimentScore: { Mixed: 0.75, Positive: 0.25 } })).toBe("MIXED 0.750");
  });
});

describe("the judgements of an answer", () => {
  it("are its types of toxic content, after toxicity as a whole", () => {
    const labels = [
      { Name: "INSULT" as const, Score: 0.2 },
      { Name: "SEXUAL" as const, Score: 0.6 },
    ];
    const answer: Answer = { ResultList: [{ Labels: labels, Toxicity: 0.5 }] };
    expect(judgementsOf(answer).map(({ name }) => name)).toEqual(["TOXICITY", "SEXUAL", "INSULT"]);
    expect(summaryOf(answer)).toBe("TOXICITY 0.500");
  });

  it("are its classes, the likeliest first", () => {
    const answer: Answer = {
      Classes: [
        { Name: "SAFE_PROMPT", Score: 0.25 },
        { Name: "UNSAFE_PROMPT", Score: 0.75 },
      ],
    };
    expect(summaryOf(answer)).toBe("UNSAFE_PROMPT 0.750");
  });
});
