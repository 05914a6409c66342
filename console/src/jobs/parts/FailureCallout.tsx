import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { RouterButton } from "../../components/RouterButton";
import { RouterLink } from "../../components/RouterLink";
import { CodeBlock } from "../../create/parts/CodeBlock";
import { readFailure } from "../failure";
import type { JobProperties } from "../properties";
import { HostileText } from "./HostileText";

interface Props {
  /** The job, or the corresponding properties of the training of a model that is IN_ERROR. */
  readonly job: JobProperties;
  /** The address of a form with its values. */
  readonly copy?: string;
}

/** Why a job failed, what to change, and a link to where it is changed. */
export function FailureCallout({ job, copy }: Props) {
  const failure = readFailure(job, copy);
  if (failure === undefined) return null;
  const { code, text, advice, commands, place, requestId } = failure;
  return (
    <Alert
      type="error"
      header={code}
      action={place && <RouterButton to={place.to}>{place.label}</RouterButton>}
      data-testid="failure"
    >
      <SpaceBetween size="s">
        <div>
          <HostileText text={text} />
        </div>
        <Box fontWeight="bold">{advice}</Box>
        {commands.map((command) => (
          <CodeBlock key={command} label="Command from the message" code={command} />
        ))}
        {requestId !== undefined && (
          <RouterLink to={`/access/explain/${requestId}`}>Why was request {requestId} denied?</RouterLink>
        )}
      </SpaceBetween>
    </Alert>
  );
}
