/** A job or training as its network interfaces name it. */
export interface JobOfInterface {
  readonly arn: string;
  /** What follows the type in the ARN: "0a1b" of a job, "NAME/version/VERSION" of a training. */
  readonly id: string;
}

const FORM = /^Amazon Comprehend job (arn:aws:comprehend:[a-z0-9-]+:\d{12}:[a-z-]+\/(\S+)) \([^()]+\)$/;

/** The job that an interface was made for, by the description that Comprehend gives it; nothing for any other. */
export function jobOf(description: string | undefined): JobOfInterface | undefined {
  const [, arn, id] = FORM.exec(description ?? "") ?? [];
  return arn === undefined || id === undefined ? undefined : { arn, id };
}
