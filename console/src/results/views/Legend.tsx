import Box from "@cloudscape-design/components/box";
import { formatNumber } from "../../components/format";
import type { ResultKind } from "../../kinds/rows.generated";
import type { Finding } from "../reading/records";
import { typeLabel } from "./labels";
import "./results.css";

interface Props {
  readonly kind: ResultKind;
  readonly findings: readonly Finding[];
  readonly colour: (finding: Finding) => number;
}

/** What the colours in a text mean, and how often each occurs. */
export function Legend({ kind, findings, colour }: Props) {
  const counts = new Map<string, { count: number; colour: number }>();
  for (const finding of findings) {
    const name = finding.tone ?? finding.type;
    const known = counts.get(name);
    if (known) known.count += 1;
    else counts.set(name, { count: 1, colour: colour(finding) });
  }
  if (counts.size === 0) return <Box color="text-body-secondary">Nothing is marked in this document.</Box>;
  return (
    <ul className="legend" aria-label="Legend">
      {[...counts]
        .sort((one, other) => other[1].count - one[1].count)
        .slice(0, 40)
        .map(([name, { count, colour: number }]) => (
          <li key={name}>
            <span className={`finding finding-swatch type-colour-${number}`}>
              <bdi>{typeLabel(kind, name)}</bdi>
            </span>
            {formatNumber(count)}
          </li>
        ))}
    </ul>
  );
}
