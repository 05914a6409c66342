import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { lazy, Suspense, useId, useState } from "react";
import { formatNumber } from "../format";
import { countedCharacters, formatJson, type PolicyProblem, type Position, syntaxProblem } from "./problems";

// The editor is the largest part of every page that has one, so it is loaded when it is first shown.
const JsonEditor = lazy(() => import("./JsonEditor"));

interface Props {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** The problems that the service found in this text; see ``problemsOf``. Clear them when the text changes. */
  readonly errors?: readonly PolicyProblem[];
  readonly label: string;
  readonly readOnly?: boolean;
  /** The most characters that a policy of this kind may have. */
  readonly limit?: number;
  /** Whether white space counts towards the limit. */
  readonly countsSpace?: boolean;
  readonly description?: string;
  /** Whether there may be no policy at all. */
  readonly optional?: boolean;
}

/** A JSON policy with line numbers. Problems are marked where they are, and listed below. */
export function PolicyEditor({
  value,
  onChange,
  errors = [],
  label,
  readOnly = false,
  limit,
  countsSpace = false,
  description,
  optional,
}: Props) {
  const id = useId();
  const [jump, setJump] = useState<Position>();
  const syntax = readOnly || (optional && value.trim() === "") ? undefined : syntaxProblem(value);
  const problems = [...errors, ...(syntax === undefined ? [] : [syntax])];
  const size = countsSpace ? value.length : countedCharacters(value);
  const counted = limit === undefined ? formatNumber(size) : `${formatNumber(size)} of ${formatNumber(limit)}`;
  const isTooLong = limit !== undefined && size > limit;
  return (
    <SpaceBetween size="xs">
      <div>
        <Box variant="awsui-key-label">{label}</Box>
        {description !== undefined && (
          <Box color="text-body-secondary" fontSize="body-s">
            {description}
          </Box>
        )}
      </div>
      <Suspense
        fallback={
          <Box padding="m">
            <Spinner /> Loading the editor
          </Box>
        }
      >
        <JsonEditor
          value={value}
          onChange={onChange}
          label={label}
          readOnly={readOnly}
          problems={problems}
          jump={jump}
          describedBy={problems.length > 0 ? id : undefined}
        />
      </Suspense>
      {!readOnly && (
        <SpaceBetween size="xs" direction="horizontal" alignItems="center">
          <Button
            variant="inline-link"
            ariaLabel={`Format ${label}`}
            disabled={syntax !== undefined}
            disabledReason="Only valid JSON can be formatted."
            onClick={() => onChange(formatJson(value))}
          >
            Format
          </Button>
          <Box color={isTooLong ? "text-status-error" : "text-body-secondary"} fontSize="body-s">
            {`${counted} characters, white space ${countsSpace ? "" : "not "}counted${isTooLong ? ": too long" : ""}`}
          </Box>
        </SpaceBetween>
      )}
      <div id={id} aria-live="polite">
        {problems.map((problem) => (
          <div key={`${problem.message} ${problem.line} ${problem.column}`} data-testid="policy-problem">
            <StatusIndicator type="error">
              {problem.message}{" "}
              {problem.line !== undefined && (
                <Button
                  variant="inline-link"
                  onClick={() => setJump({ line: problem.line ?? 1, column: problem.column ?? 1 })}
                >
                  {`Line ${problem.line}, column ${problem.column ?? 1}`}
                </Button>
              )}
            </StatusIndicator>
          </div>
        ))}
      </div>
    </SpaceBetween>
  );
}
