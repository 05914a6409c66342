import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import Slider from "@cloudscape-design/components/slider";
import { useMemo } from "react";
import { formatNumber } from "../../components/format";
import { findsMentions, hasTypes } from "../../kinds/results";
import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { NO_FILTER, type ResultFilter } from "../reading/filter";
import type { Tone } from "../reading/records";
import type { ResultSummary } from "../reading/resultReader";
import { typeLabel } from "./labels";
import { topicNames } from "./topics";

interface Props {
  readonly kind: ResultKind;
  readonly summary: ResultSummary;
  readonly filter: ResultFilter;
  readonly onChange: (filter: ResultFilter) => void;
}

/** If there are more types than this, only the visible ones are in the page. */
const MOST_DRAWN = 100;

const ORDERS = [
  { value: "input", label: "As in the input" },
  { value: "score", label: "Highest score first" },
];

/** The filter of a result: types, tones, minimum score, text. */
export function FilterBar({ kind, summary, filter, onChange }: Props) {
  const words = RESULTS[kind];
  const change = (part: Partial<ResultFilter>): void => onChange({ ...filter, ...part });
  const documents = [
    { value: "all", label: `All documents (${formatNumber(summary.records)})` },
    { value: "found", label: `Those with ${words.many}` },
    { value: "errors", label: `Those with an error (${formatNumber(summary.errors)})` },
  ];
  const topics = useMemo(() => topicNames(summary), [summary]);
  const types = summary.types.map(({ type, findings }) => ({
    value: type,
    label: typeLabel(kind, type, topics),
    description: `${formatNumber(findings)} found`,
  }));
  const tones = summary.tones
    .filter(({ findings }) => findings > 0)
    .map(({ tone, findings }) => ({ value: tone, label: tone, description: `${formatNumber(findings)} mentions` }));
  return (
    <ColumnLayout columns={3}>
      <FormField label="Search" description="In the documents, in file names, in findings.">
        <Input
          type="search"
          value={filter.search}
          clearAriaLabel="Clear the search"
          onChange={({ detail }) => change({ search: detail.value })}
        />
      </FormField>
      {hasTypes(kind) && (
        <FormField label={words.type} description={`Only ${words.many} of these.`}>
          <Multiselect
            options={types}
            selectedOptions={types.filter(({ value }) => filter.types.includes(value))}
            onChange={({ detail }) => change({ types: detail.selectedOptions.map(({ value = "" }) => value) })}
            filteringType="auto"
            // A classifier may have a thousand classes.
            virtualScroll={types.length > MOST_DRAWN}
            placeholder="All"
            tokenLimit={3}
            deselectAriaLabel={({ label }) => `Remove ${label}`}
            empty="None"
          />
        </FormField>
      )}
      {findsMentions(kind) && (
        <FormField label="Sentiment" description="Only mentions with this sentiment.">
          <Multiselect
            options={tones}
            selectedOptions={tones.filter(({ value }) => filter.tones.includes(value))}
            onChange={({ detail }) => change({ tones: detail.selectedOptions.map(({ value }) => value as Tone) })}
            placeholder="All"
            deselectAriaLabel={({ label }) => `Remove ${label}`}
            empty="None"
          />
        </FormField>
      )}
      <FormField
        label={kind === "topics" ? "Minimum share" : "Minimum score"}
        description={`${Math.round(filter.leastScore * 100)} % or more.`}
      >
        <Slider
          value={Math.round(filter.leastScore * 100)}
          min={0}
          max={100}
          onChange={({ detail }) => change({ leastScore: detail.value / 100 })}
          ariaLabel={kind === "topics" ? "Minimum share in percent" : "Minimum score in percent"}
          hideFillLine
        />
      </FormField>
      <FormField label="Documents" description="Which documents the list shows.">
        <Select
          options={documents}
          selectedOption={documents.find(({ value }) => value === filter.documents) ?? null}
          onChange={({ detail }) =>
            change({ documents: (detail.selectedOption.value ?? "all") as ResultFilter["documents"] })
          }
        />
      </FormField>
      <FormField label="Order" description="How the list of documents is sorted.">
        <Select
          options={ORDERS}
          selectedOption={ORDERS.find(({ value }) => value === filter.order) ?? null}
          onChange={({ detail }) => change({ order: detail.selectedOption.value === "score" ? "score" : "input" })}
        />
      </FormField>
      <Box padding={{ top: "l" }}>
        <Button onClick={() => onChange(NO_FILTER)} disabled={JSON.stringify(filter) === JSON.stringify(NO_FILTER)}>
          Clear all filters
        </Button>
      </Box>
    </ColumnLayout>
  );
}
