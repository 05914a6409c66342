import type { FlowLog } from "@aws-sdk/client-ec2";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { counted } from "../components/format";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { flowLogs } from "./data/reads";
import { useRead } from "./data/use";
import { RecordList } from "./flow/RecordList";
import { fieldsOf, NO_FILTER, passes, type RecordFilter } from "./flow/records";
import { useRecords } from "./flow/useRecords";
import { labelOf } from "./ids";

const HOUR = 3_600_000;
const BACKS = [
  { value: String(HOUR / 4), label: "15 minutes" },
  { value: String(HOUR), label: "1 hour" },
  { value: String(24 * HOUR), label: "1 day" },
  { value: String(14 * 24 * HOUR), label: "2 weeks" },
];
const ACTIONS = [
  { value: "", label: "Both" },
  { value: "ACCEPT", label: "ACCEPT" },
  { value: "REJECT", label: "REJECT" },
];

/** The records of flow logs in CloudWatch Logs: what was really accepted and rejected. */
export default function FlowRecordsPage() {
  const { data, error, isPending, refetch } = useRead(flowLogs);
  const inLogs = (data ?? []).filter((each) => each.LogDestinationType === "cloud-watch-logs");
  return (
    <Page
      title="Flow records"
      description="Each record sums up what an interface accepted or rejected in a window of at most a minute."
      above={[{ text: "VPC", href: "/vpc" }]}
      actions={<RouterButton to="/vpc/flow-logs">Flow logs</RouterButton>}
    >
      {error !== null && <ErrorAlert what="Flow logs cannot be listed" error={error} onRetry={() => void refetch()} />}
      {inLogs.length > 0 && <LiveRecords flowLogs={inLogs} />}
      {!isPending && error === null && inLogs.length === 0 && (
        <Box textAlign="center" padding="l">
          <SpaceBetween size="s">
            <b>No flow log goes to CloudWatch Logs</b>
            <Box variant="p">
              Records are written for networks with a flow log. Those in a bucket can be read there, as files.
            </Box>
            <RouterButton variant="primary" to="/vpc/flow-logs">
              Create a flow log
            </RouterButton>
          </SpaceBetween>
        </Box>
      )}
    </Page>
  );
}

function LiveRecords({ flowLogs: logs }: { readonly flowLogs: readonly FlowLog[] }) {
  const [query, setQuery] = useSearchParams();
  const [back, setBack] = useState(HOUR);
  const [follow, setFollow] = useState(true);
  const [filter, setFilter] = useState<RecordFilter>({
    ...NO_FILTER,
    networkInterface: query.get("interface") ?? "",
  });
  const chosen = logs.find((each) => each.FlowLogId === query.get("log")) ?? logs[0];
  const choices = logs.map((each) => ({
    value: each.FlowLogId ?? "",
    label: labelOf(each.FlowLogId, each.Tags),
    description: `${each.ResourceId}, ${each.LogGroupName}`,
  }));
  const fields = useMemo(() => fieldsOf(chosen?.LogFormat), [chosen?.LogFormat]);
  const { data, error, refetch } = useRecords({ group: chosen?.LogGroupName, fields, back, follow });
  const shown = useMemo(() => (data?.records ?? []).filter((record) => passes(record, filter)), [data, filter]);
  const change = (part: Partial<RecordFilter>): void => setFilter((known) => ({ ...known, ...part }));
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Which records</Header>}>
        <ColumnLayout columns={3}>
          <FormField label="Flow log">
            <Select
              options={choices}
              selectedOption={choices.find((choice) => choice.value === chosen?.FlowLogId) ?? null}
              onChange={({ detail }) => setQuery({ log: detail.selectedOption.value ?? "" }, { replace: true })}
            />
          </FormField>
          <FormField label="From the last">
            <Select
              options={BACKS}
              selectedOption={BACKS.find((choice) => Number(choice.value) === back) ?? null}
              onChange={({ detail }) => setBack(Number(detail.selectedOption.value))}
            />
          </FormField>
          <FormField label="Action">
            <Select
              options={ACTIONS}
              selectedOption={ACTIONS.find((choice) => choice.value === filter.action) ?? null}
              onChange={({ detail }) => change({ action: detail.selectedOption.value ?? "" })}
            />
          </FormField>
          <FormField label="Network interface">
            <Input
              value={filter.networkInterface}
              placeholder="eni-…"
              autoComplete={false}
              onChange={({ detail }) => change({ networkInterface: detail.value.trim() })}
            />
          </FormField>
          <FormField label="Address">
            <Input
              value={filter.address}
              placeholder="10.0.1.7 or 10.0."
              autoComplete={false}
              onChange={({ detail }) => change({ address: detail.value })}
            />
          </FormField>
          <FormField label="Port">
            <Input
              value={filter.port}
              inputMode="numeric"
              placeholder="443"
              autoComplete={false}
              onChange={({ detail }) => change({ port: detail.value })}
            />
          </FormField>
        </ColumnLayout>
      </Container>
      {error !== null && <ErrorAlert what="The records cannot be read" error={error} onRetry={() => void refetch()} />}
      <Container
        header={
          <Header
            variant="h2"
            counter={`(${shown.length})`}
            actions={
              <Toggle checked={follow} onChange={({ detail }) => setFollow(detail.checked)}>
                Follow
              </Toggle>
            }
          >
            Records
          </Header>
        }
      >
        <div aria-live="polite">
          {data !== undefined && shown.length === 0 && (
            <Box variant="p">
              {data.records.length === 0
                ? "There are no records yet. Windows end at the full minute; a job that runs now appears soon after."
                : `None of ${counted(data.records.length, "record")} matches the filter.`}
            </Box>
          )}
          {data !== undefined && data.others > 0 && (
            <Box color="text-body-secondary">
              {counted(data.others, "line")} of this log group have another format, because another flow log writes
              there, too.
            </Box>
          )}
        </div>
        {shown.length > 0 && <RecordList records={shown} />}
      </Container>
    </SpaceBetween>
  );
}
