import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo, useState } from "react";
import { counted, formatNumber } from "../../components/format";
import { ResourceTable } from "../../components/ResourceTable";
import { ScoreTable } from "../parts/ScoreTable";
import type { ResultFilter } from "../reading/filter";
import type { ResultSummary } from "../reading/resultReader";
import { TopicMap } from "./TopicMap";
import { topicNames, topicsOf } from "./topics";

interface Props {
  readonly summary: ResultSummary;
  readonly onShow: (filter: Partial<ResultFilter>) => void;
}

/** The topics of a collection, as a map and as a table. */
export function TopicsView({ summary, onShow }: Props) {
  const topics = useMemo(() => topicsOf(summary), [summary]);
  const names = useMemo(() => topicNames(summary), [summary]);
  const nameOf = (topic: string): string => names.get(topic) ?? topic;
  const [name, setName] = useState<string>();
  const chosen = topics.find(({ topic }) => topic === name) ?? topics[0];
  const most = Math.max(...(chosen?.terms.map(({ weight }) => weight) ?? []), Number.MIN_VALUE);
  const show = (topic: string): void => onShow({ types: [topic], order: "score" });
  return (
    <SpaceBetween size="l">
      {summary.records === 0 && (
        <Alert type="warning">
          The archive has no documents. A topics job leaves out documents that are too large or not text; the job's
          story names them.
        </Alert>
      )}
      <Container
        header={
          <Header
            variant="h2"
            description="Each circle is a topic, with its terms. The larger it is, the more documents are mostly about it."
          >
            Map
          </Header>
        }
      >
        <TopicMap topics={topics} names={names} chosen={chosen?.topic} onChoose={setName} />
      </Container>
      {chosen && (
        <Container
          header={
            <Header
              variant="h2"
              description={`${counted(chosen.leading, "document is", "documents are")} mostly about it; ${formatNumber(chosen.documents)} touch it.`}
              actions={<Button onClick={() => show(chosen.topic)}>Show its documents</Button>}
            >
              <bdi>{nameOf(chosen.topic)}</bdi>
            </Header>
          }
        >
          <div aria-live="polite">
            <ScoreTable
              title="Terms of this topic"
              labelHeader="Term"
              scoreHeader="Weight"
              rows={chosen.terms.map(({ term, weight }) => ({
                label: term,
                score: weight / most,
                text: String(weight),
              }))}
            />
          </div>
        </Container>
      )}
      <ResourceTable
        title="Topics"
        noun="topic"
        items={topics}
        keyOf={({ topic }) => topic}
        empty={<Box>The archive has no topics.</Box>}
        columns={[
          {
            id: "topic",
            header: "Topic",
            value: ({ topic }) => nameOf(topic),
            cell: ({ topic }) => (
              <Button
                variant="inline-link"
                ariaLabel={`Choose the topic ${nameOf(topic)}`}
                onClick={() => setName(topic)}
              >
                <bdi>{nameOf(topic)}</bdi>
              </Button>
            ),
          },
          {
            id: "terms",
            header: "Terms",
            value: ({ terms }) => terms.map(({ term }) => term).join(", "),
            cell: ({ terms }) => <bdi>{terms.map(({ term }) => term).join(", ")}</bdi>,
          },
          {
            id: "leading",
            header: "Documents mostly about it",
            value: ({ leading }) => leading,
            cell: ({ leading }) => formatNumber(leading),
          },
          {
            id: "documents",
            header: "Documents that touch it",
            value: ({ documents }) => documents,
            cell: ({ documents }) => formatNumber(documents),
          },
          {
            id: "show",
            header: "Documents",
            cell: ({ topic }) => (
              <Button
                variant="inline-link"
                ariaLabel={`Show the documents of the topic ${nameOf(topic)}`}
                onClick={() => show(topic)}
              >
                Show
              </Button>
            ),
          },
        ]}
      />
    </SpaceBetween>
  );
}
