import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { typeColour } from "../../components/typeColours";
import type { Finding } from "../reading/records";
import { percent } from "./labels";
import "./results.css";

interface Found {
  readonly finding: Finding;
  readonly number: number;
}

interface Props {
  readonly found: readonly Found[];
  readonly chosen: number | undefined;
  readonly onChoose: (number: number | undefined) => void;
}

interface Told {
  readonly group: number;
  readonly triggers: readonly Found[];
}

/** The events of a document in the order of the text, each with the words that tell it and who takes part. */
export function EventTimeline({ found, chosen, onChoose }: Props) {
  const events = eventsOf(found);
  if (events.length === 0) return <Box>No event was found in this document, or the filter hides it.</Box>;
  return (
    <ol className="event-timeline" aria-label="Events in the order of the text">
      {events.map(({ group, triggers }) => (
        <EventItem key={group} triggers={triggers} chosen={chosen} onChoose={onChoose} />
      ))}
    </ol>
  );
}

function EventItem({ triggers, chosen, onChoose }: Pick<Told, "triggers"> & Omit<Props, "found">) {
  const type = triggers[0]?.finding.type ?? "";
  const roles = triggers[0]?.finding.roles ?? [];
  return (
    <li className={`event-item type-colour-${typeColour(type)}`}>
      <Box variant="strong">{type}</Box>
      <div>
        {triggers.map(({ finding, number }) => (
          <span key={number} className="event-trigger">
            <Button
              variant="inline-link"
              ariaLabel={`Show "${finding.text ?? ""}" in the text`}
              onClick={() => onChoose(number === chosen ? undefined : number)}
            >
              <bdi>{finding.text}</bdi>
            </Button>
          </span>
        ))}
      </div>
      {roles.length > 0 && (
        <dl className="event-roles">
          {roles.map(({ role, text, score }) => (
            <div key={`${role} ${text}`}>
              <dt>{role}</dt>
              <dd title={percent(score)}>
                <bdi>{text}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

/** The findings of each event, in the order of the first words that tell it. */
export function eventsOf(found: readonly Found[]): readonly Told[] {
  const groups = new Map<number, Found[]>();
  for (const each of found) {
    const group = each.finding.group ?? 0;
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  const begin = ({ triggers }: Told): number => triggers[0]?.finding.begin ?? 0;
  return [...groups].map(([group, triggers]) => ({ group, triggers })).sort((one, other) => begin(one) - begin(other));
}
