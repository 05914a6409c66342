import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FileDropzone from "@cloudscape-design/components/file-dropzone";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { type ReactNode, useRef, useState } from "react";
import { counted, formatNumber } from "../../components/format";
import { shownKey } from "../keys";
import { type Found, type FoundFile, filesOfDrop, filesOfInput, withContent } from "../transfer/chosen";

interface Props {
  /** Gets what was dropped or chosen, each time. */
  readonly onChoose: (files: readonly FoundFile[]) => void;
  readonly children?: ReactNode;
}

const NAMED = 10;

/** Where files and folders can be dropped, and buttons to choose them. */
export function FileChooser({ onChoose, children }: Props) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [closed, setClosed] = useState<readonly string[]>([]);
  /** How many files of dropped folders have been found; undefined when none are being read. */
  const [reading, setReading] = useState<number>();
  const take = async (chosen: Found): Promise<void> => {
    const found = await withContent(chosen);
    setReading(undefined);
    setClosed(found.closed);
    onChoose(found.files);
  };
  return (
    <SpaceBetween size="s">
      <div
        onDropCapture={(event) => {
          setReading(0);
          void filesOfDrop(event.dataTransfer, setReading).then(take);
        }}
      >
        {/* It would pass a folder on as a file that cannot be read; the drop is handled above. */}
        <FileDropzone onChange={() => undefined}>
          <SpaceBetween size="xs" alignItems="center">
            <Box textAlign="center">Drop files or folders here, or choose them. {children}</Box>
            <SpaceBetween direction="horizontal" size="xs">
              <Button formAction="none" onClick={() => files.current?.click()}>
                Choose files
              </Button>
              <Button formAction="none" onClick={() => folder.current?.click()}>
                Choose a folder
              </Button>
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
            void take(filesOfInput(event.target.files));
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
            void take(filesOfInput(event.target.files));
            event.target.value = "";
          }}
        />
      </div>
      {reading !== undefined && (
        <StatusIndicator type="loading">Reading the folder, {counted(reading, "file")}</StatusIndicator>
      )}
      {closed.length > 0 && (
        <Alert
          type="warning"
          header={`The browser cannot open ${counted(closed.length, "file or folder", "files and folders")}`}
        >
          They are left out. Let yourself read them, and choose them again:{" "}
          <bdi>{closed.slice(0, NAMED).map(shownKey).join(", ")}</bdi>
          {closed.length > NAMED && ` and ${formatNumber(closed.length - NAMED)} more`}
        </Alert>
      )}
    </SpaceBetween>
  );
}
