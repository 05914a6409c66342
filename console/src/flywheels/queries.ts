import {
  type ComprehendClient,
  DescribeFlywheelCommand,
  ListDatasetsCommand,
  ListFlywheelIterationHistoryCommand,
  ListFlywheelsCommand,
} from "@aws-sdk/client-comprehend";
import { useQuery } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import {
  type Dataset,
  datasetOf,
  type Flywheel,
  flywheelOf,
  type Iteration,
  isMoving,
  iterationOf,
  parseFlywheelArn,
} from "./flywheel";

const PAGE = 500;
const MOVING_MILLISECONDS = 1_000;
const RESTING_MILLISECONDS = 10_000;

/** What all queries about flywheels begin with. */
export const FLYWHEELS_KEY = ["comprehend", "flywheels"];

const pace = (items: readonly { readonly status: string }[]): number =>
  items.some(isMoving) ? MOVING_MILLISECONDS : RESTING_MILLISECONDS;

/** All flywheels of the account, newest first. They are read more often while one changes. */
export function useFlywheels() {
  const client = useComprehend();
  return useQuery({
    queryKey: [...FLYWHEELS_KEY, "list"],
    queryFn: ({ signal }) => listFlywheels(client, signal),
    refetchInterval: ({ state }) => pace(state.data ?? []),
  });
}

/** One flywheel. */
export function useFlywheel(arn: string) {
  const client = useComprehend();
  return useQuery({
    queryKey: [...FLYWHEELS_KEY, "describe", arn],
    queryFn: async ({ signal }): Promise<Flywheel> => {
      const command = new DescribeFlywheelCommand({ FlywheelArn: arn });
      const { FlywheelProperties: properties = {} } = await client.send(command, { abortSignal: signal });
      return { ...flywheelOf(properties), properties };
    },
    enabled: parseFlywheelArn(arn) !== undefined,
    refetchInterval: ({ state }) => (state.error === null ? pace(state.data === undefined ? [] : [state.data]) : false),
  });
}

/** The datasets of a flywheel, newest first. */
export function useDatasets(flywheel: string) {
  const client = useComprehend();
  return useQuery({
    queryKey: [...FLYWHEELS_KEY, "datasets", flywheel],
    queryFn: ({ signal }) => listDatasets(client, flywheel, signal),
    refetchInterval: ({ state }) => pace(state.data ?? []),
  });
}

/** The iterations of a flywheel, newest first. */
export function useIterations(flywheel: string) {
  const client = useComprehend();
  return useQuery({
    queryKey: [...FLYWHEELS_KEY, "iterations", flywheel],
    queryFn: ({ signal }) => listIterations(client, flywheel, signal),
    refetchInterval: ({ state }) => pace(state.data ?? []),
  });
}

async function listFlywheels(client: ComprehendClient, abortSignal: AbortSignal): Promise<Flywheel[]> {
  const found: Flywheel[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListFlywheelsCommand({ MaxResults: PAGE, NextToken }), { abortSignal });
    found.push(...(page.FlywheelSummaryList ?? []).map(flywheelOf));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

async function listDatasets(client: ComprehendClient, arn: string, abortSignal: AbortSignal): Promise<Dataset[]> {
  const found: Dataset[] = [];
  let NextToken: string | undefined;
  do {
    const command = new ListDatasetsCommand({ FlywheelArn: arn, MaxResults: PAGE, NextToken });
    const page = await client.send(command, { abortSignal });
    found.push(...(page.DatasetPropertiesList ?? []).map(datasetOf));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

async function listIterations(client: ComprehendClient, arn: string, abortSignal: AbortSignal): Promise<Iteration[]> {
  const found: Iteration[] = [];
  let NextToken: string | undefined;
  do {
    const command = new ListFlywheelIterationHistoryCommand({ FlywheelArn: arn, MaxResults: PAGE, NextToken });
    const page = await client.send(command, { abortSignal });
    found.push(...(page.FlywheelIterationPropertiesList ?? []).map(iterationOf));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}
