import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { getConfig } from "../api/config";
import { CodeBlock } from "../create/parts/CodeBlock";
import { cliCommand, type Json, pythonCode } from "../create/parts/code";

interface Props {
  readonly operation: string;
  readonly request: object;
  readonly response: object;
  readonly requestId: string | undefined;
}

/** The call behind a result, for those who want to make it in a program. */
export function Integration({ operation, request, response, requestId }: Props) {
  return (
    <ExpandableSection headerText="Application integration" variant="footer">
      <SpaceBetween size="s">
        {requestId !== undefined && <Box variant="p">Request id: {requestId}</Box>}
        <Tabs
          ariaLabel="The call"
          tabs={[
            {
              id: "request",
              label: "Request",
              content: <CodeBlock label={`Request of ${operation}`} code={JSON.stringify(request, null, 2)} />,
            },
            {
              id: "response",
              label: "Response",
              content: <CodeBlock label={`Response of ${operation}`} code={JSON.stringify(response, null, 2)} />,
            },
            {
              id: "cli",
              label: "AWS CLI",
              content: (
                <CodeBlock
                  label={`${operation} with the AWS CLI`}
                  code={cliCommand(operation, request as Json, getConfig())}
                />
              ),
            },
            {
              id: "boto3",
              label: "Python (boto3)",
              content: (
                <CodeBlock
                  label={`${operation} with boto3`}
                  code={pythonCode(operation, request as Json, getConfig())}
                />
              ),
            },
          ]}
        />
      </SpaceBetween>
    </ExpandableSection>
  );
}
