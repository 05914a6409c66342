import FormField from "@cloudscape-design/components/form-field";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import { useState } from "react";
import { getConfig } from "../api/config";
import { Page } from "../components/Page";
import { useSignedIn } from "../session/session";
import { Deliveries } from "./Deliveries";
import { EventTable } from "./EventTable";
import { useDeliveries, useStateEvents } from "./queries";

/** What changed its state in the last day, and which deliveries of these events have not succeeded. */
export default function StateEventsPage() {
  const { identity } = useSignedIn();
  // Only principals of the first account see the events of others, and the deliveries.
  const mayAll = identity.account === getConfig().account;
  const [everyAccount, setEveryAccount] = useState(false);
  const events = useStateEvents(everyAccount);
  const deliveries = useDeliveries();
  return (
    <Page
      title="State events"
      description="What changed its state in the last day: jobs, custom models, endpoints and flywheels. The list is live."
    >
      {mayAll && (
        <FormField label="Events of">
          <SegmentedControl
            label="Events of"
            selectedId={everyAccount ? "all" : "own"}
            options={[
              { id: "own", text: "This account" },
              { id: "all", text: "All accounts" },
            ]}
            onChange={({ detail }) => setEveryAccount(detail.selectedId === "all")}
          />
        </FormField>
      )}
      <EventTable
        events={events.data?.events}
        deliveries={deliveries.data?.deliveries}
        error={events.error}
        everyAccount={everyAccount}
        onRefresh={() => void events.refetch()}
      />
      <Deliveries query={deliveries} />
    </Page>
  );
}
