import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { FormModal } from "../../components/FormModal";
import { counted, formatBytes, formatNumber } from "../../components/format";
import { keyProblem, s3Uri, shownKey, unreachable } from "../keys";
import { FileChooser } from "../parts/FileChooser";
import { FilesToRead } from "../parts/FilesToRead";
import { type NamedFile, whyLeftOut } from "../reading";
import type { FoundFile } from "../transfer/chosen";
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
  const [chosen, setChosen] = useState<readonly ChosenFile[]>([]);
  const [replace, setReplace] = useState(false);
  const add = (found: readonly FoundFile[]): void => {
    const fresh = keysFor(found, prefix);
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
      <FileChooser onChoose={add}>Three are uploaded at a time; you can leave the page in the meantime.</FileChooser>
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
      <FilesToRead
        files={chosen.map(named)}
        fate="If a job reads this folder, each of them becomes an error in its results."
        action={<Button onClick={() => setChosen(chosen.filter(isRead))}>Leave them out</Button>}
      />
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

function named({ key, file, text }: ChosenFile): NamedFile {
  return { name: key, size: file.size, ...(text !== undefined && { text }) };
}

function isRead(each: ChosenFile): boolean {
  return whyLeftOut(named(each)) === undefined;
}
