import Box from "@cloudscape-design/components/box";
import { type Verdict, verdictOf } from "./sides";

interface Props {
  readonly one: number | undefined;
  readonly other: number | undefined;
  readonly lowerIsBetter?: boolean;
}

const COLOURS: Readonly<Record<Verdict, "text-status-success" | "text-status-error" | "text-body-secondary">> = {
  better: "text-status-success",
  worse: "text-status-error",
  same: "text-body-secondary",
};

/** How much the second model differs from the first, in words as well as in colour. */
export function Difference({ one, other, lowerIsBetter = false }: Props) {
  const found = verdictOf(one, other, lowerIsBetter);
  if (found === undefined) return <>-</>;
  const { difference, verdict } = found;
  const sign = difference > 0 ? "+" : "";
  return (
    <Box color={COLOURS[verdict]}>
      {verdict === "same" ? "the same" : `${sign}${difference.toFixed(4)}, ${verdict}`}
    </Box>
  );
}
