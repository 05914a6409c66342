import { type KeyboardEvent, useMemo } from "react";
import { counted } from "../../components/format";
import type { TopicNames } from "./labels";
import { frame, linesIn, pack } from "./topicLayout";
import type { Topic } from "./topics";
import "./results.css";

interface Props {
  readonly topics: readonly Topic[];
  readonly names: TopicNames;
  readonly chosen: string | undefined;
  readonly onChoose: (topic: string) => void;
}

const MOST = 100;
const LEAST_RADIUS = 18;
const RADIUS = 90;

/** Topics as circles with their terms: the area is the number of documents that are mostly about the topic. */
export function TopicMap({ topics, names, chosen, onChoose }: Props) {
  const drawn = useMemo(() => {
    const sorted = [...topics].sort((one, other) => other.leading - one.leading).slice(0, MOST);
    const most = Math.max(sorted[0]?.leading ?? 1, 1);
    const circles = pack(sorted.map(({ leading }) => Math.max(Math.sqrt(leading / most) * RADIUS, LEAST_RADIUS)));
    return { sorted, circles, box: frame(circles) };
  }, [topics]);
  const { x, y, width, height } = drawn.box;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be inside a drawing.
    <svg className="topic-map" viewBox={`${x} ${y} ${width} ${height}`} aria-label="Map of the topics" role="group">
      {drawn.sorted.map(({ topic, terms, leading }, at) => {
        const circle = drawn.circles[at];
        if (circle === undefined) return null;
        const words = terms.map(({ term }) => term);
        const onKeyDown = (event: KeyboardEvent): void => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          onChoose(topic);
        };
        return (
          // biome-ignore lint/a11y/useSemanticElements: SVG has no button of its own.
          <g
            key={topic}
            className="topic"
            role="button"
            tabIndex={0}
            aria-pressed={topic === chosen}
            aria-label={`${names.get(topic) ?? topic}: ${counted(leading, "document")}`}
            transform={`translate(${circle.x} ${circle.y})`}
            onClick={() => onChoose(topic)}
            onKeyDown={onKeyDown}
          >
            <circle r={circle.r} />
            {linesIn(circle.r, words.length === 0 ? [`Topic ${topic}`] : words).map((line, number) => (
              <text
                key={`${line.y}`}
                y={line.y}
                fontSize={line.size}
                className={number === 0 ? "topic-number" : undefined}
              >
                {line.text}
              </text>
            ))}
          </g>
        );
      })}
    </svg>
  );
}
