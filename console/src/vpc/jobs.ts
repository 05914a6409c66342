/** A job as its network interfaces name it. */
export interface JobOfInterface {
  readonly arn: string;
  readonly id: string;
  /** "entities-detection-job", or "document-classifier" for a training. */
  readonly arnType: string;
  readonly container: string;
}

const FORM = /^Amazon Comprehend job (arn:aws:comprehend:[a-z0-9-]+:\d{12}:([a-z-]+)\/(\S+)) \(([^()]+)\)$/;

/** The job that an interface was made for, by the description that Comprehend gives it; nothing for any other. */
export function jobOf(description: string | undefined): JobOfInterface | undefined {
  const [, arn, arnType, id, container] = FORM.exec(description ?? "") ?? [];
  if (arn === undefined || arnType === undefined || id === undefined || container === undefined) return undefined;
  return { arn, arnType, id, container };
}
