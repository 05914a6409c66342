import Button from "@cloudscape-design/components/button";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useRef, useState } from "react";
import { useNotices } from "../../components/Notifications";
import { saveBlob } from "../downloads/fileNames";

export interface Download {
  readonly id: string;
  readonly label: string;
  readonly fileName: string;
  /** Builds the file; undefined if it was stopped. ``onProgress`` gets the share that is done. */
  readonly build: (signal: AbortSignal, onProgress: (share: number) => void) => Promise<Blob | undefined>;
}

interface Running {
  readonly id: string;
  readonly share: number;
  readonly stop: () => void;
}

/** A button for each file. One file is built at a time, with progress and a button to stop. */
export function DownloadButtons({ downloads }: { readonly downloads: readonly Download[] }) {
  const notices = useNotices();
  const [running, setRunning] = useState<Running>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const start = async ({ id, label, fileName, build }: Download): Promise<void> => {
    const controller = new AbortController();
    abort.current = controller;
    const stop = (): void => controller.abort();
    setRunning({ id, share: 0, stop });
    try {
      const blob = await build(controller.signal, (share) => setRunning({ id, share, stop }));
      if (blob !== undefined && !controller.signal.aborted) saveBlob(blob, fileName);
    } catch (error) {
      if (!controller.signal.aborted) notices.failure(`"${label}" cannot be downloaded`, error);
    } finally {
      setRunning(undefined);
    }
  };
  return (
    <SpaceBetween size="s">
      <SpaceBetween direction="horizontal" size="xs">
        {downloads.map((download) => (
          <Button
            key={download.id}
            iconName="download"
            loading={running?.id === download.id}
            disabled={running !== undefined && running.id !== download.id}
            onClick={() => void start(download)}
          >
            {download.label}
          </Button>
        ))}
      </SpaceBetween>
      {running && (
        <SpaceBetween direction="horizontal" size="s" alignItems="center">
          <ProgressBar label="Preparing the file" value={Math.round(running.share * 100)} />
          <Button onClick={running.stop}>Stop</Button>
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
