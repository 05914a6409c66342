import type { ResultSummary } from "../reading/resultReader";
import type { TopicTerm } from "../reading/topicTables";
import type { TopicNames } from "./labels";

export interface Topic {
  readonly topic: string;
  /** The terms that distinguish it from the others, best first, as in the archive. */
  readonly terms: readonly TopicTerm[];
  /** The number of documents in which it has a share. */
  readonly documents: number;
  /** The number of documents in which it has the largest share. */
  readonly leading: number;
}

const TERMS_IN_NAME = 3;

/** The name of a topic: its best terms. A topic without terms keeps its number. */
export function topicName({ topic, terms }: Pick<Topic, "topic" | "terms">): string {
  const named = terms.slice(0, TERMS_IN_NAME).map(({ term }) => term);
  return named.length === 0 ? `Topic ${topic}` : named.join(", ");
}

/** The name of each topic of a result; topics with the same terms are distinguished by their numbers. */
export function topicNames(summary: Pick<ResultSummary, "terms" | "types">): TopicNames {
  const topics = topicsOf(summary);
  const counts = new Map<string, number>();
  for (const topic of topics) counts.set(topicName(topic), (counts.get(topicName(topic)) ?? 0) + 1);
  return new Map(
    topics.map((topic) => {
      const name = topicName(topic);
      return [topic.topic, counts.get(name) === 1 ? name : `${name} (${topic.topic})`];
    }),
  );
}

/** The topics of a result, in the order of the archive, with their terms and numbers of documents. */
export function topicsOf(summary: Pick<ResultSummary, "terms" | "types">): Topic[] {
  const terms = new Map<string, TopicTerm[]>();
  for (const term of summary.terms) {
    const known = terms.get(term.topic);
    if (known) known.push(term);
    else terms.set(term.topic, [term]);
  }
  const counts = new Map(summary.types.map((count) => [count.type, count]));
  const names = [...new Set([...terms.keys(), ...[...counts.keys()].sort()])];
  return names.map((topic) => ({
    topic,
    terms: terms.get(topic) ?? [],
    documents: counts.get(topic)?.documents ?? 0,
    leading: counts.get(topic)?.leading ?? 0,
  }));
}
