import { type ComprehendClient, ListEndpointsCommand } from "@aws-sdk/client-comprehend";
import { useQuery } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { useReadingRoom } from "../api/readingRoom";
import { type Endpoint, type EndpointMetricsAnswer, endpointOf, isMoving } from "./endpoint";

const PAGE = 500;
const MOVING_MILLISECONDS = 1_000;
const RESTING_MILLISECONDS = 10_000;
const LIVE_MILLISECONDS = 2_000;

export const ENDPOINTS_KEY = ["comprehend", "ListEndpoints"];

/** All endpoints of the account. They are read more often while one changes. */
export function useEndpoints() {
  const client = useComprehend();
  return useQuery({
    queryKey: ENDPOINTS_KEY,
    queryFn: ({ signal }) => listEndpoints(client, signal),
    refetchInterval: ({ state }) => (state.data?.some(isMoving) ? MOVING_MILLISECONDS : RESTING_MILLISECONDS),
  });
}

/** What the endpoints did in the last minute, live. */
export function useEndpointMetrics() {
  const call = useReadingRoom();
  return useQuery({
    queryKey: ["reading-room", "GetEndpointMetrics"],
    queryFn: async ({ signal }) =>
      (await call<EndpointMetricsAnswer>("GetEndpointMetrics", {}, signal)).EndpointMetrics,
    refetchInterval: ({ state }) => (state.error === null ? LIVE_MILLISECONDS : RESTING_MILLISECONDS),
  });
}

async function listEndpoints(client: ComprehendClient, abortSignal: AbortSignal): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListEndpointsCommand({ MaxResults: PAGE, NextToken }), { abortSignal });
    endpoints.push(...(page.EndpointPropertiesList ?? []).map(endpointOf));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return endpoints;
}
