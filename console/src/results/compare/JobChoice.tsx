import FormField from "@cloudscape-design/components/form-field";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import { useMemo } from "react";
import { formatTime } from "../../components/format";
import { type ListedJob, useJobs } from "../../jobs/hooks";
import type { JobKind } from "../../jobs/kinds";
import { whyNotComparable } from "./comparable";

interface Props {
  readonly label: string;
  readonly kind: JobKind;
  /** The id of the chosen job. */
  readonly value: string;
  /** The id of the job on the other side: jobs over the same input are offered first. */
  readonly beside: string;
  readonly onChange: (id: string) => void;
}

/** How many jobs of each group are offered, the newest first. Others can be chosen in the list of jobs. */
const MOST = 200;

/** A choice of a job of a kind that has results. */
export function JobChoice({ label, kind, value, beside, onChange }: Props) {
  const { jobs, loading } = useJobs();
  const groups = useMemo(() => groupsOf(jobs ?? [], kind, beside), [jobs, kind, beside]);
  const chosen = groups.flatMap(({ options }) => options).find((option) => option.value === value);
  return (
    <FormField label={label}>
      <Select
        selectedOption={value === "" ? null : (chosen ?? { value, label: nameOf(jobs, value) })}
        options={groups}
        statusType={loading && jobs === undefined ? "loading" : "finished"}
        loadingText="Loading jobs"
        placeholder="Choose a job"
        empty="No job of this type has results."
        filteringType="auto"
        filteringAriaLabel="Filter jobs"
        virtualScroll
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
      />
    </FormField>
  );
}

function nameOf(jobs: readonly ListedJob[] | undefined, id: string): string {
  return jobs?.find(({ job }) => job.JobId === id)?.job.JobName ?? id;
}

interface Group extends SelectProps.OptionGroup {
  readonly options: readonly SelectProps.Option[];
}

function groupsOf(jobs: readonly ListedJob[], kind: JobKind, beside: string): Group[] {
  const offered = jobs.filter((each) => each.kind === kind && whyNotComparable(each) === undefined);
  const input = jobs.find(({ job }) => job.JobId === beside)?.job.InputDataConfig?.S3Uri;
  const group = (label: string, members: readonly ListedJob[]): Group[] =>
    members.length === 0 ? [] : [{ label, options: members.slice(0, MOST).map(optionOf) }];
  const others = offered.filter(({ job }) => job.JobId !== beside);
  if (input === undefined) return group("Jobs with results", others);
  return [
    ...group(
      `Over ${input}`,
      others.filter(({ job }) => job.InputDataConfig?.S3Uri === input),
    ),
    ...group(
      "Over other inputs",
      others.filter(({ job }) => job.InputDataConfig?.S3Uri !== input),
    ),
  ];
}

function optionOf({ job }: ListedJob): SelectProps.Option {
  return {
    value: job.JobId ?? "",
    label: job.JobName ?? job.JobId ?? "",
    description: job.SubmitTime === undefined ? "" : `submitted ${formatTime(job.SubmitTime)}`,
  };
}
