import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useReadingRoom } from "../../api/readingRoom";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatTime } from "../../components/format";
import { DecodeForm } from "./DecodeForm";
import { DenialView } from "./DenialView";
import { type ExplainedCall, type Explanation, encodedMessageIn } from "./explanation";

/** Everything that the trail has of one request. */
export function ExplanationView({ requestId }: { readonly requestId: string }) {
  const call = useReadingRoom();
  const explanation = useQuery({
    queryKey: ["reading-room", "ExplainRequest", requestId],
    queryFn: ({ signal }) => call<Explanation>("ExplainRequest", { RequestId: requestId }, signal),
  });
  if (explanation.isPending) {
    return (
      <Box>
        <Spinner /> Reading the trail
      </Box>
    );
  }
  if (explanation.error) {
    return (
      <ErrorAlert
        what={`The request ${requestId} cannot be explained`}
        error={explanation.error}
        onRetry={() => void explanation.refetch()}
      />
    );
  }
  const { Calls, Denials } = explanation.data;
  return (
    <SpaceBetween size="l">
      {Calls.map((each) => (
        <CallView key={`${each.EventName} ${each.EventTime}`} call={each} />
      ))}
      {Denials.length === 0 && (
        <Alert type="info" header="No policy decided against it">
          {Calls.some((each) => each.ErrorCode !== undefined)
            ? "The error above is the whole reason."
            : "The call was allowed."}
        </Alert>
      )}
      {Denials.map((denial) => (
        <DenialView key={`${denial.RequestId} ${denial.Action} ${denial.Resource} ${denial.At}`} denial={denial} />
      ))}
    </SpaceBetween>
  );
}

/** The message without its encoded part, which is shown below with a button that decodes it. */
function messageOf({ ErrorMessage = "-" }: ExplainedCall, encoded: string | undefined): string {
  if (encoded === undefined) return ErrorMessage;
  return ErrorMessage.replace(encoded, "").replace(/\s*Encoded authorization failure message:\s*$/, "");
}

function CallView({ call }: { readonly call: ExplainedCall }) {
  const encoded = encodedMessageIn(call.ErrorMessage ?? "");
  return (
    <Container header={<Header variant="h2">{`${call.EventName} of ${call.EventSource}`}</Header>}>
      <KeyValuePairs
        columns={2}
        items={[
          { label: "When", value: formatTime(call.EventTime * 1000) },
          { label: "Who", value: call.PrincipalArn ?? "-" },
          { label: "From", value: call.SourceIpAddress ?? "-" },
          { label: "Through the VPC endpoint", value: call.VpcEndpointId ?? "None" },
          { label: "Error", value: call.ErrorCode ?? "None" },
          { label: "Message", value: <span className="mono">{messageOf(call, encoded)}</span> },
        ]}
      />
      {encoded !== undefined && <DecodeForm initial={encoded} />}
    </Container>
  );
}
