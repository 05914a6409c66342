import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { formatTime } from "../components/format";
import { Page } from "../components/Page";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { EventModal } from "./trail/EventModal";
import { ATTRIBUTES, RANGES, type TrailEvent, type TrailFilter } from "./trail/events";
import { useTrail } from "./trail/useTrail";

const LIVE_MILLISECONDS = 2_000;
const ATTRIBUTE_OPTIONS = [
  { value: "", label: "Everything" },
  ...ATTRIBUTES.map(([value, label]) => ({ value, label })),
];
const RANGE_OPTIONS = RANGES.map(([value, label]) => ({ value, label }));

/** "ec2" of "ec2.amazonaws.com": the rest is always the same, and would only make the column wider. */
function serviceOf({ source }: TrailEvent): string {
  return source.replace(/\.amazonaws\.com$/, "");
}

export default function TrailPage() {
  const [parameters] = useSearchParams();
  const [attribute, setAttribute] = useState(parameters.get("attribute") ?? "ReadOnly");
  const [value, setValue] = useState(parameters.get("value") ?? "false");
  const [applied, setApplied] = useState({ attribute, value });
  const [range, setRange] = useState("24h");
  const [live, setLive] = useState(true);
  const [open, setOpen] = useState<TrailEvent>();
  const filter = { ...applied, attribute: applied.attribute as TrailFilter["attribute"] };
  const trail = useTrail(filter, RANGES.find(([id]) => id === range)?.[2], {
    poll: live ? LIVE_MILLISECONDS : undefined,
  });
  const events = trail.data?.pages.flatMap((page) => page.events);
  const columns: Column<TrailEvent>[] = [
    {
      id: "name",
      header: "Event",
      value: (event) => event.name,
      cell: (event) => (
        <Button
          variant="inline-link"
          ariaLabel={`Show ${event.name} of ${formatTime(event.at)}`}
          onClick={() => setOpen(event)}
        >
          {event.name}
        </Button>
      ),
    },
    { id: "at", header: "Time", value: (event) => event.at.getTime(), cell: (event) => formatTime(event.at) },
    { id: "user", header: "User", value: (event) => event.user, cell: (event) => event.user },
    { id: "source", header: "Service", value: serviceOf, cell: serviceOf },
    {
      id: "outcome",
      header: "Outcome",
      value: (event) => event.errorCode ?? "Success",
      cell: (event) =>
        event.errorCode === undefined ? (
          <StatusIndicator type="success">Success</StatusIndicator>
        ) : (
          <StatusIndicator type="error">{event.errorCode}</StatusIndicator>
        ),
    },
    {
      id: "resources",
      header: "Resources",
      value: (event) => event.resources,
      cell: (event) => event.resources || "-",
    },
    {
      id: "from",
      header: "From",
      value: (event) => event.endpoint ?? event.sourceIp,
      cell: (event) => event.endpoint ?? event.sourceIp,
    },
  ];
  return (
    <Page
      title="Trail"
      above={[{ text: "Access", href: "/access" }]}
      description="Who did what, and whether it was allowed. Reads and writes of objects are not included: the operator finds them in the trail's files."
    >
      <Container header={<Header variant="h2">Which events</Header>}>
        <Grid
          gridDefinition={[
            { colspan: { default: 12, xs: 6, m: 3 } },
            { colspan: { default: 12, xs: 6, m: 3 } },
            { colspan: { default: 12, xs: 6, m: 3 } },
            { colspan: { default: 12, xs: 6, m: 3 } },
          ]}
        >
          <FormField label="Look up by" description="One attribute at a time, as in CloudTrail.">
            <Select
              selectedOption={ATTRIBUTE_OPTIONS.find((option) => option.value === attribute) ?? null}
              options={ATTRIBUTE_OPTIONS}
              onChange={({ detail }) => {
                setAttribute(detail.selectedOption.value ?? "");
                setValue("");
                if (detail.selectedOption.value === "") setApplied({ attribute: "", value: "" });
              }}
            />
          </FormField>
          <FormField label="Value" description="The exact value; press Enter to search.">
            <Input
              value={value}
              disabled={attribute === ""}
              onChange={({ detail }) => setValue(detail.value)}
              onBlur={() => setApplied({ attribute, value })}
              onKeyDown={({ detail }) => {
                if (detail.key === "Enter") setApplied({ attribute, value });
              }}
            />
          </FormField>
          <FormField label="Time" description="The trail keeps 90 days.">
            <Select
              selectedOption={RANGE_OPTIONS.find((option) => option.value === range) ?? null}
              options={RANGE_OPTIONS}
              onChange={({ detail }) => setRange(detail.selectedOption.value ?? "24h")}
            />
          </FormField>
          <FormField label="Live" description="Look for new events every 2 seconds.">
            <Toggle checked={live} onChange={({ detail }) => setLive(detail.checked)}>
              {live ? "On" : "Off"}
            </Toggle>
          </FormField>
        </Grid>
      </Container>
      <ResourceTable
        title="Events"
        noun="event"
        items={events}
        loading={trail.isPending}
        error={trail.error}
        onRefresh={() => void trail.refetch()}
        keyOf={(event) => event.id}
        columns={columns}
        actions={
          <Button
            disabled={!trail.hasNextPage}
            loading={trail.isFetchingNextPage}
            onClick={() => void trail.fetchNextPage()}
          >
            Load older events
          </Button>
        }
        empty="No event matches. Every API call makes one: choose a longer time, or look up another attribute."
      />
      {open !== undefined && <EventModal event={open} onDismiss={() => setOpen(undefined)} />}
    </Page>
  );
}
