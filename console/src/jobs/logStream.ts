import { type CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { hasCode } from "../api/errors";

export interface LogLine {
  readonly timestamp: number;
  readonly message: string;
}

/** The lines read so far, and the token for the next read. */
export interface LogTail {
  readonly lines: readonly LogLine[];
  readonly token: string | undefined;
}

export const NOTHING_READ: LogTail = { lines: [], token: undefined };
/** How many lines are kept: a page that follows a log must not grow without limit. */
export const KEPT_LINES = 50_000;

/** Read the new lines of a stream. A stream that does not exist yet is treated as empty. */
export async function readOn(
  client: CloudWatchLogsClient,
  group: string,
  stream: string,
  tail: LogTail,
  signal?: AbortSignal,
): Promise<LogTail> {
  const lines: LogLine[] = [];
  let token = tail.token;
  for (;;) {
    const command = new GetLogEventsCommand({
      logGroupName: group,
      logStreamName: stream,
      startFromHead: true,
      ...(token !== undefined && { nextToken: token }),
    });
    try {
      const page = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
      for (const { timestamp, message } of page.events ?? []) {
        lines.push({ timestamp: timestamp ?? 0, message: message ?? "" });
      }
      // At the end of a stream, the token is the same as before.
      const end = page.nextForwardToken === undefined || page.nextForwardToken === token;
      token = page.nextForwardToken ?? token;
      if (end) break;
    } catch (error) {
      // The first line of a job is written shortly after the job is accepted.
      if (hasCode(error, "ResourceNotFoundException") && tail.token === undefined && token === undefined)
        return NOTHING_READ;
      throw error;
    }
  }
  if (lines.length === 0 && token === tail.token) return tail;
  return { lines: [...tail.lines, ...lines].slice(-KEPT_LINES), token };
}

/** All lines of a stream, or the newest KEPT_LINES of a very long one. */
export async function readWholeStream(
  client: CloudWatchLogsClient,
  group: string,
  stream: string,
  signal?: AbortSignal,
): Promise<readonly LogLine[]> {
  return (await readOn(client, group, stream, NOTHING_READ, signal)).lines;
}

/** The lines that contain a text, ignoring case. */
export function linesWith(lines: readonly LogLine[], text: string): readonly LogLine[] {
  const wanted = text.trim().toLowerCase();
  return wanted === "" ? lines : lines.filter((line) => line.message.toLowerCase().includes(wanted));
}
