import { DecodeAuthorizationMessageCommand } from "@aws-sdk/client-sts";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { useSts } from "../../api/sts";
import { ErrorAlert } from "../../components/ErrorAlert";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { formatJson } from "../../components/policy/problems";
import { useAttempt } from "../../components/useAttempt";
import { encodedMessageOf } from "./explanation";

const ignore = (): void => undefined;

/** Decode the message that EC2 gives with a refusal. */
export function DecodeForm({ initial = "" }: { readonly initial?: string }) {
  const sts = useSts();
  const [text, setText] = useState(initial);
  const [decoded, setDecoded] = useState<string>();
  const { busy, error, attempt } = useAttempt();
  const decode = (): Promise<void> =>
    attempt(async () => {
      setDecoded(undefined);
      const answer = await sts.send(new DecodeAuthorizationMessageCommand({ EncodedMessage: encodedMessageOf(text) }));
      setDecoded(formatJson(answer.DecodedMessage ?? ""));
    });
  return (
    <SpaceBetween size="s">
      <FormField
        label="Encoded authorization failure message"
        description="EC2 gives it with UnauthorizedOperation. Paste the message, or the whole error."
        stretch
      >
        <Textarea value={text} rows={3} onChange={({ detail }) => setText(detail.value)} />
      </FormField>
      <Button disabled={text.trim() === ""} loading={busy} onClick={() => void decode()}>
        Decode
      </Button>
      <Box>
        <div aria-live="polite">
          {error !== undefined && <ErrorAlert what="The message cannot be decoded" error={error} />}
          {decoded !== undefined && <PolicyEditor label="Decoded message" value={decoded} onChange={ignore} readOnly />}
        </div>
      </Box>
    </SpaceBetween>
  );
}
