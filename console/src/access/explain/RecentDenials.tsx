import Button from "@cloudscape-design/components/button";
import { formatNumber, formatTime } from "../../components/format";
import { ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import { isDenial } from "../trail/events";
import { useTrail } from "../trail/useTrail";

const DAYS_7 = 7 * 24 * 3_600_000;

/** Recently refused calls, to choose one from. */
export function RecentDenials() {
  const trail = useTrail({ attribute: "", value: "" }, DAYS_7, { keep: isDenial });
  const pages = trail.data?.pages;
  const events = pages?.flatMap((page) => page.events);
  const seen = pages?.reduce((sum, page) => sum + page.seen, 0) ?? 0;
  return (
    <ResourceTable
      title="Recent denials"
      noun="denial"
      items={events}
      loading={trail.isPending}
      error={trail.error}
      onRefresh={() => void trail.refetch()}
      keyOf={(event) => event.id}
      description={`From the last 7 days; ${formatNumber(seen)} events searched so far. Refused reads and writes of objects are not listed: explain them by their request ids.`}
      actions={
        <Button
          disabled={!trail.hasNextPage}
          loading={trail.isFetchingNextPage}
          onClick={() => void trail.fetchNextPage()}
        >
          Search further back
        </Button>
      }
      empty="No refused call was found among the events searched so far."
      columns={[
        {
          id: "name",
          header: "Call",
          value: (event) => event.name,
          cell: (event) =>
            event.requestId === undefined ? (
              event.name
            ) : (
              <RouterLink
                to={`/access/explain/${encodeURIComponent(event.requestId)}`}
                ariaLabel={`Explain ${event.name} of ${formatTime(event.at)}`}
              >
                {event.name}
              </RouterLink>
            ),
        },
        { id: "at", header: "Time", value: (event) => event.at.getTime(), cell: (event) => formatTime(event.at) },
        { id: "who", header: "Who", value: (event) => event.principal, cell: (event) => event.principal },
        { id: "code", header: "Error", value: (event) => event.errorCode, cell: (event) => event.errorCode },
        { id: "id", header: "Request id", value: (event) => event.requestId, cell: (event) => event.requestId ?? "-" },
      ]}
    />
  );
}
