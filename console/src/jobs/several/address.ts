import { type JobKind, kindOf } from "../kinds";

/** A job that was started: the slug of its kind, and its id. */
export interface StartedJob {
  readonly slug: string;
  readonly id: string;
}

/** How many jobs an address may name: more than there are kinds. */
const MOST = 20;

/** The page that shows several jobs together. Its address names them, so that it can be kept and shared. */
export function severalPath(jobs: readonly StartedJob[]): string {
  return `/jobs/several?${new URLSearchParams(jobs.map(({ slug, id }) => ["job", `${slug}/${id}`]))}`;
}

export interface NamedJob {
  readonly kind: JobKind;
  readonly id: string;
}

/** The jobs that an address names, each once; what is not a job is left out. */
export function jobsOfAddress(parameters: URLSearchParams): NamedJob[] {
  const named = [...new Set(parameters.getAll("job"))].flatMap((text) => {
    const [, slug, id = ""] = /^([a-z-]+)\/([0-9a-zA-Z_+=-]{1,64})$/.exec(text) ?? [];
    const kind = kindOf(slug);
    return kind === undefined ? [] : [{ kind, id }];
  });
  return named.slice(0, MOST);
}
