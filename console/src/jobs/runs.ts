import type { Call } from "../api/readingRoom";
import { ReadingRoomError } from "../api/readingRoom";
import type { Bound } from "../profiles/profile";

/** A job or a training in the answer of DescribeJobRuns of the API `reading-room`. */
export interface JobRun {
  readonly JobId: string;
  readonly JobArn: string;
  readonly JobIdentifier: string;
  readonly Phase: string;
  readonly Attempt: number;
  readonly QueuePosition?: number;
  readonly Documents: number;
  readonly TotalDocuments?: number;
  readonly DocumentsPerSecond?: number;
  /** The upper and the lower bound of the time left; both or neither. */
  readonly SecondsLeft?: number;
  readonly SecondsLeftAtLeast?: number;
  readonly Containers: readonly JobContainer[];
  readonly Events?: readonly JobEvent[];
  readonly EventsLeftOut?: number;
  /** The recall that a job for personal data promises, if it has a profile. */
  readonly PiiProfile?: Bound;
  readonly LogGroupName: string;
  readonly LogStreamName: string;
}

export interface JobContainer {
  readonly ContainerId: string;
  readonly Member: number;
  readonly Attempt: number;
  readonly State: string;
  readonly NetworkInterfaceId?: string;
  readonly PrivateIpAddress?: string;
  readonly SubnetId?: string;
  /** The host that it is on, if there are several. */
  readonly Host?: string;
}

/** A line of a job's story. ``At`` is milliseconds since 1970. */
export interface JobEvent {
  readonly At: number;
  readonly Event: string;
  readonly Text: string;
}

interface Answer {
  readonly JobRuns: readonly JobRun[];
  readonly Errors: readonly { JobIdentifier: string; ErrorCode: string; ErrorMessage: string }[];
}

/** The most identifiers of one call. */
const MOST = 100;
const GATHER_MILLISECONDS = 10;

/** The state of a job, with its story. ``identifier`` is its id or ARN, or the ARN of a model for its training. */
export async function describeRun(call: Call, identifier: string, signal?: AbortSignal): Promise<JobRun> {
  return only(await call<Answer>("DescribeJobRuns", { JobIds: [identifier], IncludeEvents: true }, signal), identifier);
}

function only(answer: Answer, identifier: string): JobRun {
  const run = answer.JobRuns.find((each) => each.JobIdentifier === identifier);
  if (run !== undefined) return run;
  const error = answer.Errors.find((each) => each.JobIdentifier === identifier);
  throw new ReadingRoomError(
    error?.ErrorCode ?? "JobNotFoundException",
    error?.ErrorMessage ?? `The service returned nothing about ${identifier}.`,
    400,
    undefined,
  );
}

interface Pending {
  readonly identifier: string;
  readonly resolve: (run: JobRun) => void;
  readonly reject: (error: unknown) => void;
}

/** Combines the requests for single jobs, which the rows of a list make at about the same time, into few calls. */
export class RunReader {
  private readonly call: Call;
  private waiting: Pending[] = [];

  constructor(call: Call) {
    this.call = call;
  }

  read(identifier: string): Promise<JobRun> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ identifier, resolve, reject });
      if (this.waiting.length === 1) setTimeout(() => this.flush(), GATHER_MILLISECONDS);
    });
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    for (let from = 0; from < batch.length; from += MOST) void this.ask(batch.slice(from, from + MOST));
  }

  private async ask(batch: readonly Pending[]): Promise<void> {
    try {
      const identifiers = [...new Set(batch.map((each) => each.identifier))];
      const answer = await this.call<Answer>("DescribeJobRuns", { JobIds: identifiers, IncludeEvents: false });
      for (const { identifier, resolve, reject } of batch) {
        try {
          resolve(only(answer, identifier));
        } catch (error) {
          reject(error);
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
