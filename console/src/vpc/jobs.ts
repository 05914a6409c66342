/** A job or training, from the description of its network interfaces. */
export interface JobOfInterface {
  readonly arn: string;
  /** The part of the ARN after the type: "0a1b" for a job, "NAME/version/VERSION" for a training. */
  readonly id: string;
}

const FORM = /^Amazon Comprehend job (arn:aws:comprehend:[a-z0-9-]+:\d{12}:[a-z-]+\/(\S+)) \([^()]+\)$/;

/** The job of an interface, from the description that Comprehend gives it; undefined for other interfaces. */
export function jobOf(description: string | undefined): JobOfInterface | undefined {
  const [, arn, id] = FORM.exec(description ?? "") ?? [];
  return arn === undefined || id === undefined ? undefined : { arn, id };
}
