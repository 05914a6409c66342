import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted } from "../../components/format";
import { type RunView, whyNoProgress } from "../hooks";
import { Timeline } from "../parts/Timeline";

/** What happened to a job, in milliseconds. */
export function StoryTab({ view, active }: { readonly view: RunView; readonly active: boolean }) {
  const now = useNow(active);
  const { run, events, error, fromLog, loading } = view;
  const left = run?.EventsLeftOut ?? 0;
  return (
    <Container
      header={
        <Header variant="h2" description="Each step with the time since the first one. Longer lines are longer pauses.">
          Story
        </Header>
      }
    >
      <SpaceBetween size="s">
        {fromLog && <Alert type="info">{whyNoProgress(error)} The story below is read from the log stream.</Alert>}
        {error !== undefined && events === undefined && !loading && (
          <ErrorAlert what="The story cannot be read" error={error} />
        )}
        {left > 0 && <Box>{counted(left, "older line")} of the story can be read in the log.</Box>}
        {loading && events === undefined ? <Box>Reading the story.</Box> : null}
        {events !== undefined && <Timeline events={events} now={now} />}
      </SpaceBetween>
    </Container>
  );
}

/** The current time, updated while it is needed. */
function useNow(moving: boolean): number | undefined {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!moving) return;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [moving]);
  return moving ? now : undefined;
}
