import { useQuery, useQueryClient } from "@tanstack/react-query";
import { hasCode } from "../api/errors";
import { type Call, useReadingRoom } from "../api/readingRoom";
import { type Delivery, type DeliveryAnswer, joined, readDelivery, readEvent, type StateEvent } from "./stateEvents";

const AT_ONCE = 1_000;
/** How many events and deliveries the page keeps. */
export const MOST = 10_000;
const LIVE_MILLISECONDS = 2_000;
const DELIVERIES_MILLISECONDS = 5_000;

export const DELIVERIES_KEY = ["reading-room", "ListStateEventDeliveries"];

/** The events that have been seen, and where to go on. */
interface Seen {
  readonly events: readonly StateEvent[];
  readonly token: string;
}

interface EventsAnswer {
  readonly Events: readonly { readonly Event: string }[];
  readonly NextToken: string;
}

/** The newest state events of the account, or of all, the newest first; further ones are added as they come. */
export function useStateEvents(everyAccount: boolean) {
  const call = useReadingRoom();
  const queries = useQueryClient();
  const queryKey = ["reading-room", "ListStateEvents", everyAccount];
  return useQuery({
    queryKey,
    queryFn: ({ signal }) => follow(call, queries.getQueryData<Seen>(queryKey), everyAccount, signal),
    refetchInterval: ({ state }) => (state.error === null ? LIVE_MILLISECONDS : DELIVERIES_MILLISECONDS),
  });
}

/** The deliveries that have not succeeded. `undefined` data with `theirs` for a caller who is not the operator. */
export function useDeliveries() {
  const call = useReadingRoom();
  const query = useQuery({
    queryKey: DELIVERIES_KEY,
    queryFn: ({ signal }) => listDeliveries(call, signal),
    refetchInterval: ({ state }) => (state.error === null ? DELIVERIES_MILLISECONDS : false),
  });
  return { ...query, theirs: hasCode(query.error, "NotOperatorException") };
}

async function follow(call: Call, known: Seen | undefined, everyAccount: boolean, signal: AbortSignal): Promise<Seen> {
  const input = { MaxResults: AT_ONCE, ...(everyAccount && { AccountId: "all" }) };
  if (known === undefined) {
    const first = await call<EventsAnswer>("ListStateEvents", { ...input, Newest: true }, signal);
    return { events: joined([], eventsOf(first), MOST), token: first.NextToken };
  }
  let { events, token } = known;
  for (;;) {
    const answer = await call<EventsAnswer>("ListStateEvents", { ...input, NextToken: token }, signal);
    if (answer.Events.length > 0) events = joined(events, eventsOf(answer), MOST);
    token = answer.NextToken;
    if (answer.Events.length < AT_ONCE) return { events, token };
  }
}

function eventsOf({ Events }: EventsAnswer): StateEvent[] {
  return Events.map(({ Event }) => readEvent(Event));
}

interface DeliveriesAnswer {
  readonly Targets: readonly string[];
  readonly Deliveries: readonly DeliveryAnswer[];
  readonly NextToken?: string;
}

interface Deliveries {
  readonly targets: readonly string[];
  readonly deliveries: readonly Delivery[];
  /** Whether there are more than the page keeps. */
  readonly more: boolean;
}

async function listDeliveries(call: Call, signal: AbortSignal): Promise<Deliveries> {
  const deliveries: Delivery[] = [];
  let token: string | undefined;
  for (;;) {
    const input = { MaxResults: AT_ONCE, ...(token !== undefined && { NextToken: token }) };
    const answer = await call<DeliveriesAnswer>("ListStateEventDeliveries", input, signal);
    deliveries.push(...answer.Deliveries.map(readDelivery));
    token = answer.NextToken;
    if (token === undefined || deliveries.length >= MOST)
      return { targets: answer.Targets, deliveries, more: token !== undefined };
  }
}
