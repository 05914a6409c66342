import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import FileDropzone from "@cloudscape-design/components/file-dropzone";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useS3 } from "../../api/s3";
import { FormModal } from "../../components/FormModal";
import { counted, formatBytes, formatNumber } from "../../components/format";
import { keyProblem, s3Uri, shownKey, unreachable } from "../keys";
import { UnreadableFiles } from "../parts/UnreadableFiles";
import { type ChosenFile, keysFor, upload } from "../transfer/transfer";

interface Props {
  readonly bucket: string;
  readonly prefix: string;
  readonly onDismiss: () => void;
}

const NAMED = 10;

/** A dialog to choose files or a folder and upload them. */
export function UploadModal({ bucket, prefix, onDismiss }: Props) {
  const s3 = useS3();
  const queries = useQueryClient();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [chosen, setChosen] = useState<readonly ChosenFile[]>([]);
  const [replace, setReplace] = useState(false);
  const add = (list: readonly File[]): void => {
    const fresh = keysFor(list, prefix);
    const keys = new Set(fresh.map((each) => each.key));
    setChosen((known) => [...known.filter((each) => !keys.has(each.key)), ...fresh]);
  };
  const bad = chosen.find((each) => unreachable(each.key) ?? keyProblem(each.key));
  const size = chosen.reduce((sum, each) => sum + each.file.size, 0);
  return (
    <FormModal
      title={`Upload to ${shownKey(s3Uri(bucket, prefix))}`}
      action="Upload"
      what="The upload cannot start"
      size="large"
      disabled={chosen.length === 0 || bad !== undefined}
      onDismiss={onDismiss}
      onSubmit={async () => {
        const done = (): void => void queries.invalidateQueries({ queryKey: ["s3", "ListObjectsV2", bucket] });
        for (const each of chosen) upload(s3, bucket, each, replace, done);
        onDismiss();
      }}
    >
      <FileDropzone onChange={({ detail }) => add(detail.value)}>
        <SpaceBetween size="xs" alignItems="center">
          <Box>
            Drop files here, or choose them. Three are uploaded at a time; you can leave the page in the meantime.
          </Box>
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => files.current?.click()}>Choose files</Button>
            <Button onClick={() => folder.current?.click()}>Choose a folder</Button>
          </SpaceBetween>
        </SpaceBetween>
      </FileDropzone>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => {
          add([...(event.target.files ?? [])]);
          // Allow the same file to be chosen again after a change.
          event.target.value = "";
        }}
      />
      <input
        ref={(input) => {
          folder.current = input;
          if (input !== null) input.webkitdirectory = true;
        }}
        type="file"
        hidden
        aria-label="Folder to upload"
        onChange={(event) => {
          add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <div aria-live="polite">
        {chosen.length > 0 && (
          <>
            <Box>
              {counted(chosen.length, "file")}, {formatBytes(size)}
            </Box>
            <ul>
              {chosen.slice(0, NAMED).map((each) => (
                <li key={each.key} dir="auto">
                  {shownKey(each.key)}
                </li>
              ))}
              {chosen.length > NAMED && <li>and {formatNumber(chosen.length - NAMED)} more</li>}
            </ul>
          </>
        )}
      </div>
      <UnreadableFiles names={chosen.map((each) => shownKey(each.key))} />
      {bad !== undefined && (
        <Alert
          type="error"
          header={`${shownKey(bad.key)} cannot be uploaded`}
          action={<Button onClick={() => setChosen(chosen.filter((each) => each !== bad))}>Leave it out</Button>}
        >
          {unreachable(bad.key) ?? keyProblem(bad.key)}
        </Alert>
      )}
      <Checkbox checked={replace} onChange={({ detail }) => setReplace(detail.checked)}>
        Replace existing objects
      </Checkbox>
    </FormModal>
  );
}
