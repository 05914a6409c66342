import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Tabs from "@cloudscape-design/components/tabs";
import { getConfig } from "../../api/config";
import { CodeBlock } from "./CodeBlock";
import { cliCommand, type Json, pythonCode } from "./code";

interface Props {
  /** The operation of Comprehend: StartEntitiesDetectionJob. */
  readonly operation: string;
  readonly request: Json;
}

/** The request of a form as code. */
export function RequestCode({ operation, request }: Props) {
  const config = getConfig();
  const cli = cliCommand(operation, request, config);
  const python = pythonCode(operation, request, config);
  return (
    <ExpandableSection
      variant="container"
      headerText="The same request as code"
      headerDescription="It changes with the form. It contains no key: the AWS CLI and boto3 use yours from their own configuration."
    >
      <Tabs
        ariaLabel="Language"
        tabs={[
          { id: "cli", label: "AWS CLI", content: <CodeBlock label="The request for the AWS CLI" code={cli} /> },
          { id: "boto3", label: "Python (boto3)", content: <CodeBlock label="The request for boto3" code={python} /> },
        ]}
      />
    </ExpandableSection>
  );
}
