import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo } from "react";
import { Breakable } from "../components/Breakable";
import { formatTime } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterLink } from "../components/RouterLink";
import { useSignedIn } from "../session/session";
import { MOST } from "./queries";
import {
  type Delivery,
  deliveryStateOf,
  resourcePath,
  type StateEvent,
  shortName,
  statusOf,
  targetWords,
} from "./stateEvents";

interface Props {
  readonly events: readonly StateEvent[] | undefined;
  /** The deliveries that have not succeeded, if the caller may see them. */
  readonly deliveries: readonly Delivery[] | undefined;
  readonly error: unknown;
  readonly everyAccount: boolean;
  readonly onRefresh: () => void;
}

/** The state events, the newest first. */
export function EventTable({ events, deliveries, error, everyAccount, onRefresh }: Props) {
  const { identity } = useSignedIn();
  const columns = useMemo(
    () => columnsOf(identity.account, everyAccount, deliveries),
    [identity.account, everyAccount, deliveries],
  );
  return (
    <ResourceTable<StateEvent>
      title="Events"
      noun="event"
      name={everyAccount ? "state-events-of-all" : "state-events"}
      items={events}
      columns={columns}
      keyOf={({ id }) => id}
      loading={events === undefined && error === null}
      error={error ?? undefined}
      onRefresh={onRefresh}
      more={events?.length === MOST}
      filterBy={["what", "status", "resource", "name", "failure", ...(everyAccount ? ["account"] : [])]}
      empty="Nothing has changed its state in the last day. Create a job, and its events come here."
    />
  );
}

function columnsOf(
  own: string,
  everyAccount: boolean,
  deliveries: readonly Delivery[] | undefined,
): Column<StateEvent>[] {
  return [
    {
      id: "at",
      header: "Time",
      value: ({ sequence }) => sequence,
      cell: ({ at }) => formatTime(at),
    },
    { id: "what", header: "What", value: ({ kind }) => kind, cell: ({ kind }) => kind },
    {
      id: "resource",
      header: "Resource",
      value: ({ resource }) => shortName(resource),
      cell: (event) => <Resource event={event} own={own} />,
      width: 320,
    },
    {
      id: "status",
      header: "New state",
      value: ({ status }) => statusOf(status).label,
      cell: ({ status }) => (
        <StatusIndicator type={statusOf(status).type} wrapText={false}>
          {statusOf(status).label}
        </StatusIndicator>
      ),
    },
    {
      id: "name",
      header: "Name",
      value: ({ name }) => name,
      cell: ({ name }) => (name === undefined ? "-" : <bdi>{name}</bdi>),
    },
    {
      id: "failure",
      header: "Cause",
      value: ({ failure }) => failure,
      cell: ({ failure }) => failure ?? "-",
    },
    ...(deliveries === undefined ? [] : [deliveryColumn(deliveries)]),
    ...(everyAccount
      ? [{ id: "account", header: "Account", value: accountOf, cell: accountOf } satisfies Column<StateEvent>]
      : []),
  ];
}

function accountOf({ account }: StateEvent): string {
  return account;
}

/** Which deliveries of an event have not succeeded. */
function deliveryColumn(deliveries: readonly Delivery[]): Column<StateEvent> {
  const byEvent = new Map<string, string[]>();
  for (const { event, target, state } of deliveries) {
    const words = `${targetWords(target)}: ${deliveryStateOf(state).label.toLowerCase()}`;
    byEvent.set(event.id, [...(byEvent.get(event.id) ?? []), words]);
  }
  const words = ({ id }: StateEvent): string => byEvent.get(id)?.join("; ") ?? "-";
  return { id: "deliveries", header: "Not delivered yet", value: words, cell: words };
}

interface ResourceProps {
  readonly event: StateEvent;
  readonly own: string;
}

/** What changed, with a link to its page if that is in this account. */
export function Resource({ event, own }: ResourceProps) {
  const path = event.account === own ? resourcePath(event) : undefined;
  const name = <Breakable text={shortName(event.resource)} />;
  return path === undefined ? name : <RouterLink to={path}>{name}</RouterLink>;
}
