import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ResourceTable } from "../../components/ResourceTable";
import { Decision } from "../parts/Decision";
import { excerpt, placeText, type ResultRow } from "./request";

interface Props {
  readonly rows: readonly ResultRow[];
  readonly policy: string | undefined;
  readonly onAddKeys: (keys: readonly string[]) => void;
}

/** The simulator's decisions, action by action. */
export function SimulatorResults({ rows, policy, onAddKeys }: Props) {
  return (
    <ResourceTable
      title="Results"
      noun="result"
      items={rows}
      keyOf={(row) => `${row.action} ${row.resource}`}
      empty="The simulator gave no answer."
      columns={[
        { id: "action", header: "Action", value: (row) => row.action, cell: (row) => row.action },
        { id: "resource", header: "Resource", value: (row) => row.resource, cell: (row) => row.resource },
        {
          id: "decision",
          header: "Decision",
          value: (row) => row.decision,
          cell: (row) => (
            <SpaceBetween size="xxs">
              <Decision decision={row.decision} />
              {row.boundary === false && (
                <Box color="text-body-secondary">The permissions boundary does not allow it.</Box>
              )}
            </SpaceBetween>
          ),
        },
        {
          id: "matched",
          header: "Matched statements",
          cell: (row) =>
            row.matched.length === 0
              ? "None"
              : row.matched.map((statement) => (
                  <div key={`${statement.SourcePolicyId} ${placeText(statement)}`}>
                    {statement.SourcePolicyId}
                    {statement.SourcePolicyType && `, ${statement.SourcePolicyType}`}, {placeText(statement)}
                    {policy !== undefined && statement.SourcePolicyId?.startsWith("PolicyInputList") && (
                      <div className="mono">{excerpt(policy, statement)}</div>
                    )}
                  </div>
                )),
        },
        {
          id: "missing",
          header: "Missing condition keys",
          cell: (row) =>
            row.missing.length === 0 ? (
              "None"
            ) : (
              <>
                {row.missing.join(", ")}{" "}
                <Button
                  variant="inline-link"
                  ariaLabel={`Add ${row.missing.join(", ")} to the request`}
                  onClick={() => onAddKeys(row.missing)}
                >
                  Add to the request
                </Button>
              </>
            ),
        },
      ]}
    />
  );
}
