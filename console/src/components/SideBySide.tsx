import { useMemo } from "react";
import { type Column, ResourceTable } from "./ResourceTable";

/** A property of two things that are compared. */
export interface FactPair {
  readonly name: string;
  readonly one: string;
  readonly other: string;
}

/** The name of a property and its value; undefined if it does not apply. */
export type Fact = readonly [name: string, value: string | undefined];

/** The properties of two things side by side, without those that neither has. Both lists have the same order. */
export function factPairs(one: readonly Fact[], other: readonly Fact[]): FactPair[] {
  return one.flatMap(([name, left], at) => {
    const right = other[at]?.[1];
    return left === undefined && right === undefined ? [] : [{ name, one: left ?? "-", other: right ?? "-" }];
  });
}

interface Props {
  readonly title: string;
  /** The headings of the two sides. */
  readonly sides: readonly [string, string];
  readonly one: readonly Fact[];
  readonly other: readonly Fact[];
}

/** A table of two things' properties that says which differ. */
export function SideBySide({ title, sides: [first, second], one, other }: Props) {
  const facts = useMemo(() => factPairs(one, other), [one, other]);
  const columns = useMemo(
    (): Column<FactPair>[] => [
      { id: "name", header: "Property", cell: ({ name }) => name },
      { id: "one", header: first, cell: (fact) => <bdi>{fact.one}</bdi>, value: (fact) => fact.one },
      { id: "other", header: second, cell: (fact) => <bdi>{fact.other}</bdi>, value: (fact) => fact.other },
      { id: "same", header: "Compared", cell: (fact) => (fact.one === fact.other ? "the same" : "different") },
    ],
    [first, second],
  );
  return (
    <ResourceTable
      title={title}
      noun="property"
      name={`compared-${title.toLowerCase()}`}
      items={facts}
      columns={columns}
      keyOf={nameOf}
      short
      empty="Nothing is known about either."
    />
  );
}

function nameOf({ name }: FactPair): string {
  return name;
}
