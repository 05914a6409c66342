import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { counted, formatNumber } from "../../components/format";
import { shownKey } from "../keys";
import { formatWords, type NamedFile, readingOf } from "../reading";

interface Props {
  readonly files: readonly NamedFile[];
  /** What becomes of files that no job reads. */
  readonly fate: string;
  readonly action?: ReactNode;
}

const NAMED = 20;

/** What jobs read of chosen files and what they do not, before they are uploaded. */
export function FilesToRead({ files, fate, action }: Props) {
  const reading = readingOf(files);
  const unread = files.length - reading.count;
  if (files.length === 0) return null;
  return (
    <SpaceBetween size="s">
      {reading.count > 0 && (
        <Box data-testid="files-to-read">
          Jobs read {counted(reading.count, "of these files", "of these files")}: {formatWords(reading)}.
        </Box>
      )}
      {unread > 0 && (
        <Alert
          type="warning"
          header={`Jobs cannot read ${counted(unread, "of these files", "of these files")}`}
          action={action}
          data-testid="files-left-out"
        >
          {fate}
          {reading.leftOut.map(({ reason, names }) => (
            <div key={reason}>
              {capital(reason)}:
              <ul>
                {names.slice(0, NAMED).map((name) => (
                  <li key={name}>
                    <bdi>{shownKey(name)}</bdi>
                  </li>
                ))}
                {names.length > NAMED && <li>and {formatNumber(names.length - NAMED)} more</li>}
              </ul>
            </div>
          ))}
        </Alert>
      )}
    </SpaceBetween>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
