import type { ResultSummary } from "../reading/resultReader";
import type { TopicTerm } from "../reading/topicTables";

export interface Topic {
  readonly topic: string;
  /** The terms that tell it from the others, the best first, as the archive has them. */
  readonly terms: readonly TopicTerm[];
  /** Documents of which it has a share. */
  readonly documents: number;
  /** Documents of which it has the largest share. */
  readonly leading: number;
}

/** The topics of a result, in the order of the archive, with their terms and how many documents each has. */
export function topicsOf(summary: ResultSummary): Topic[] {
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
