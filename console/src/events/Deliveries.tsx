import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Call, useReadingRoom } from "../api/readingRoom";
import { counted, formatNumber, formatTime } from "../components/format";
import { useNotices } from "../components/Notifications";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { useAttempt } from "../components/useAttempt";
import { HostileText } from "../jobs/parts/HostileText";
import { useSignedIn } from "../session/session";
import { Resource } from "./EventTable";
import { DELIVERIES_KEY, type useDeliveries } from "./queries";
import { type Delivery, deliveryStateOf, shortName, statusOf, targetWords } from "./stateEvents";

interface Retried {
  readonly GivenUp: number;
  readonly Failed: number;
}

/** The deliveries that have not succeeded, why, and a way to attempt them again. */
export function Deliveries({ query }: { readonly query: ReturnType<typeof useDeliveries> }) {
  const { data, error, theirs, refetch } = query;
  const { identity } = useSignedIn();
  const [chosen, setChosen] = useState<readonly Delivery[]>([]);
  if (theirs) {
    return (
      <Alert type="info" header="Deliveries are the operator's">
        Where events are delivered, and what failed, is shown to principals of the first account.
      </Alert>
    );
  }
  const none = data !== undefined && data.targets.length === 0;
  const failed = (data?.deliveries ?? []).filter(({ state }) => state !== "WAITING");
  return (
    <ResourceTable<Delivery>
      title="Deliveries that have not succeeded"
      noun="delivery"
      items={data?.deliveries}
      more={data?.more ?? false}
      columns={columnsOf(identity.account)}
      keyOf={keyOf}
      loading={data === undefined && error === null}
      error={error ?? undefined}
      onRefresh={() => void refetch()}
      description={
        data === undefined || none ? undefined : `Events go to: ${data.targets.map(targetWords).join(", ")}.`
      }
      filterBy={["target", "state", "resource", "reason"]}
      selection="multi"
      selected={chosen}
      onSelect={setChosen}
      actions={<Retry chosen={chosen} failed={failed.length} onDone={() => setChosen([])} />}
      empty={
        none
          ? "No target is set. The operator chooses a web hook, a log group or a bucket."
          : "Everything is delivered."
      }
    />
  );
}

function keyOf({ target, event }: Delivery): string {
  return `${event.id} ${target}`;
}

interface RetryProps {
  readonly chosen: readonly Delivery[];
  /** How many deliveries have failed. */
  readonly failed: number;
  readonly onDone: () => void;
}

function Retry({ chosen, failed, onDone }: RetryProps) {
  const call = useReadingRoom();
  const queries = useQueryClient();
  const notices = useNotices();
  const { busy, attempt } = useAttempt();
  const retry = (deliveries: readonly Delivery[] | undefined): void =>
    void attempt(async () => {
      try {
        const number = await retried(call, deliveries);
        notices.success(`${counted(number, "delivery")} will be attempted again.`);
        onDone();
      } catch (error) {
        notices.failure("The deliveries cannot be attempted again", error);
      }
      await queries.invalidateQueries({ queryKey: DELIVERIES_KEY });
    });
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Button disabled={chosen.length === 0 || busy} onClick={() => retry(chosen)}>
        Try again
      </Button>
      <Button disabled={failed === 0} loading={busy} onClick={() => retry(undefined)}>
        Try all again
      </Button>
    </SpaceBetween>
  );
}

/** Attempt deliveries again, or all. Returns how many. */
async function retried(call: Call, deliveries: readonly Delivery[] | undefined): Promise<number> {
  const inputs = deliveries?.map(({ target, event }) => ({ Target: target, EventId: event.id })) ?? [{}];
  let number = 0;
  for (const input of inputs) {
    const { GivenUp, Failed } = await call<Retried>("RetryStateEventDeliveries", input);
    number += GivenUp + Failed;
  }
  return number;
}

function columnsOf(own: string): Column<Delivery>[] {
  return [
    {
      id: "target",
      header: "Target",
      value: ({ target }) => targetWords(target),
      cell: ({ target }) => targetWords(target),
    },
    {
      id: "state",
      header: "State",
      value: ({ state }) => deliveryStateOf(state).label,
      cell: ({ state }) => (
        <StatusIndicator type={deliveryStateOf(state).type}>{deliveryStateOf(state).label}</StatusIndicator>
      ),
    },
    {
      id: "reason",
      header: "Why the last attempt failed",
      value: ({ reason }) => reason,
      cell: ({ reason }) => (reason === undefined ? "-" : <HostileText text={reason} />),
      width: 280,
    },
    {
      id: "resource",
      header: "Event of",
      value: ({ event }) => shortName(event.resource),
      cell: ({ event }) => <Resource event={event} own={own} />,
    },
    {
      id: "status",
      header: "New state",
      value: ({ event }) => statusOf(event.status).label,
      cell: ({ event }) => statusOf(event.status).label,
    },
    {
      id: "at",
      header: "Time",
      value: ({ event }) => event.sequence,
      cell: ({ event }) => formatTime(event.at),
    },
    {
      id: "attempts",
      header: "Attempts",
      value: ({ attempts }) => attempts,
      cell: ({ attempts }) => formatNumber(attempts),
    },
    {
      id: "failed",
      header: "Fails since",
      value: ({ failed }) => failed?.getTime(),
      cell: ({ failed }) => (failed === undefined ? "-" : formatTime(failed)),
    },
    {
      id: "next",
      header: "Next attempt",
      value: ({ next }) => next?.getTime(),
      cell: ({ next }) => (next === undefined ? "-" : formatTime(next)),
    },
  ];
}
