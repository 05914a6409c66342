import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import PropertyFilter, { type PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { type ReactNode, useMemo } from "react";
import { Breakable } from "./Breakable";
import { ErrorAlert } from "./ErrorAlert";
import { counted, plural } from "./format";
import { PAGE_SIZES, usePreferences } from "./tablePreferences";
import { widthOf } from "./tableWidths";
import { useColumnWidths } from "./useColumnWidths";
import "./table.css";

export interface Column<Item> {
  readonly id: string;
  readonly header: string;
  readonly cell: (item: Item) => ReactNode;
  /** The plain value behind the cell: what it is sorted and filtered by. */
  readonly value?: (item: Item) => string | number | undefined;
  readonly width?: number;
}

interface Props<Item> {
  readonly title: string;
  /** The noun for one item, such as "job"; the count and the empty state use it. */
  readonly noun: string;
  readonly items: readonly Item[] | undefined;
  readonly columns: readonly Column<Item>[];
  readonly keyOf: (item: Item) => string;
  readonly loading?: boolean;
  /** Whether further items are still being read. */
  readonly more?: boolean;
  readonly error?: unknown;
  readonly onRefresh?: (() => void) | undefined;
  readonly actions?: ReactNode;
  readonly description?: ReactNode;
  /** What the items are for and how to create the first one, shown in place of an empty list. */
  readonly empty: ReactNode;
  readonly selection?: "single" | "multi";
  readonly selected?: readonly Item[];
  readonly onSelect?: (items: Item[]) => void;
  /** Columns with filters of their own ("Status = FAILED"); without any, there is one box that searches all text. */
  readonly filterBy?: readonly string[];
  readonly pageSize?: number;
  readonly headerVariant?: "h2" | "h3";
  /** Without a frame of its own, for a table inside a container. */
  readonly embedded?: boolean;
  /** Whether it is so short that it needs no filter, pages or preferences. */
  readonly short?: boolean;
  /** The name under which the browser stores the table's preferences; by default the noun. */
  readonly name?: string;
}

const LEAST_WIDTH = 72;

/** How many values of a column its filter offers; others can be typed. A list of ten thousand names would not help. */
const MOST_OFFERED = 100;

/** The values that the columns' filters offer. */
function offered(
  rows: readonly Record<string, unknown>[],
  keys: readonly string[],
): PropertyFilterProps.FilteringOption[] {
  return keys.flatMap((propertyKey) => {
    const values = new Set<string>();
    for (const row of rows) {
      if (values.size === MOST_OFFERED) break;
      const value = row[propertyKey];
      if (value !== undefined && value !== "") values.add(String(value));
    }
    return [...values].map((value) => ({ propertyKey, value }));
  });
}

function* valuesOf(rows: readonly Record<string, unknown>[], id: string): Generator<string | number | undefined> {
  for (const row of rows) yield row[id] as string | number | undefined;
}

/** A cell in which no word is broken: browsers do not break after the separators of an ARN by themselves. */
function whole(cell: ReactNode): ReactNode {
  return typeof cell === "string" ? <Breakable text={cell} /> : cell;
}

/** A list of resources: filtered, sorted and paginated, with its empty, loading and error states. */
export function ResourceTable<Item>(props: Props<Item>) {
  const { title, noun, items, columns, keyOf, loading = false, error, onRefresh, filterBy } = props;
  const ids = columns.map(({ id }) => id);
  const { preferences, set } = usePreferences(props.name ?? noun.replaceAll(" ", "-"), ids, props.pageSize ?? 25);
  // For ten thousand items this takes longer than a frame, so it is computed only if items, columns or keys change.
  const rows = useMemo(() => {
    const values = (item: Item): Record<string, string | number | undefined> =>
      Object.fromEntries(columns.map((column) => [column.id, column.value?.(item)]));
    return (items ?? []).map((item) => ({ ...values(item), _item: item, _key: keyOf(item) }));
  }, [items, columns, keyOf]);
  const noMatch = (
    <Box textAlign="center" padding="m">
      <b>No match</b>
      <Box variant="p">No {noun} fits this filter.</Box>
    </Box>
  );
  const empty = (
    <Box textAlign="center" padding="m">
      {props.empty}
    </Box>
  );
  // The filter's options are computed again whenever these change.
  const properties = useMemo(
    (): PropertyFilterProps.FilteringProperty[] =>
      columns
        .filter((column) => filterBy?.includes(column.id))
        .map((column) => ({
          key: column.id,
          propertyLabel: column.header,
          groupValuesLabel: `${column.header} values`,
          operators: ["=", "!=", ":", "!:"],
        })),
    [columns, filterBy],
  );
  const filteringOptions = useMemo(() => offered(rows, filterBy ?? []), [rows, filterBy]);
  const collection = useCollection(rows, {
    ...(filterBy
      ? { propertyFiltering: { filteringProperties: properties, filteringOptions, noMatch, empty } }
      : { filtering: { noMatch, empty } }),
    pagination: { pageSize: props.short ? Number.MAX_SAFE_INTEGER : preferences.pageSize },
    sorting: {},
    selection: { keepSelection: true, trackBy: "_key" },
  });
  type Row = (typeof rows)[number];
  const widths = useMemo(
    () =>
      columns.map(({ id, header, width = 0 }) => {
        const own = widthOf({ header, values: valuesOf(rows, id) });
        return { width: Math.max(own.width, width), minWidth: own.minWidth };
      }),
    [columns, rows],
  );
  const shown = preferences.columns.filter(({ visible }) => visible).map(({ id }) => id);
  const seen = widths.filter((_, at) => shown.includes(columns[at]?.id ?? ""));
  const { ref, widths: fitting, idOf } = useColumnWidths(seen, { selection: props.selection !== undefined });
  const given = new Map(columns.filter(({ id }) => shown.includes(id)).map(({ id }, at) => [id, fitting[at]]));
  const definitions: TableProps.ColumnDefinition<Row>[] = columns.map((column, index) => ({
    id: idOf(column.id),
    header: column.header,
    cell: (row) => whole(column.cell(row._item)),
    ...(column.value && { sortingField: column.id }),
    width: given.get(column.id) ?? widths[index]?.width ?? LEAST_WIDTH,
    minWidth: widths[index]?.minWidth ?? LEAST_WIDTH,
    isRowHeader: index === 0,
  }));
  const selectedKeys = new Set((props.selected ?? []).map(keyOf));
  return (
    <div ref={ref}>
      <SpaceBetween size="m">
        {error != null && <ErrorAlert what={`${title} cannot be listed`} error={error} onRetry={onRefresh} />}
        <Table
          {...collection.collectionProps}
          items={collection.items}
          columnDefinitions={definitions}
          loading={loading && items === undefined}
          loadingText={`Loading ${plural(noun)}`}
          trackBy="_key"
          variant={props.embedded ? "embedded" : "container"}
          wrapLines
          // The same table whether or not there is an error above it: a new one would lose what is typed in its filter.
          key="table"
          // Columns have widths of their own, so that they stay where they are when the rows change.
          resizableColumns
          columnDisplay={preferences.columns.map(({ id, visible }) => ({ id: idOf(id), visible }))}
          preferences={
            columns.length > 1 &&
            !props.short && (
              <CollectionPreferences
                title={`Columns of ${title}`}
                confirmLabel="Confirm"
                cancelLabel="Cancel"
                preferences={{ pageSize: preferences.pageSize, contentDisplay: preferences.columns }}
                pageSizePreference={{
                  title: "Rows per page",
                  options: PAGE_SIZES.map((value) => ({ value, label: counted(value, "row") })),
                }}
                contentDisplayPreference={{
                  title: "Columns",
                  options: columns.map(({ id, header }, at) => ({ id, label: header, alwaysVisible: at === 0 })),
                }}
                onConfirm={({ detail }) =>
                  set({
                    pageSize: detail.pageSize ?? preferences.pageSize,
                    columns: (detail.contentDisplay ?? []).map(({ id, visible }) => ({ id, visible })),
                  })
                }
              />
            )
          }
          {...(props.selection && {
            selectionType: props.selection,
            selectedItems: selectedKeys.size === 0 ? [] : rows.filter((row) => selectedKeys.has(row._key)),
            onSelectionChange: ({ detail }: { detail: { selectedItems: Row[] } }) =>
              props.onSelect?.(detail.selectedItems.map((row) => row._item)),
            ariaLabels: {
              selectionGroupLabel: `Choose ${plural(noun)}`,
              itemSelectionLabel: (_: unknown, row: Row) => row._key,
              allItemsSelectionLabel: () => "all",
            },
          })}
          header={
            <Header
              variant={props.headerVariant ?? "h2"}
              counter={items && `(${items.length}${props.more ? "+" : ""})`}
              description={props.description}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  {onRefresh && <Button iconName="refresh" ariaLabel={`Refresh ${title}`} onClick={onRefresh} />}
                  {props.actions}
                </SpaceBetween>
              }
            >
              {title}
            </Header>
          }
          filter={
            props.short ? null : filterBy ? (
              <PropertyFilter
                {...collection.propertyFilterProps}
                virtualScroll
                filteringAriaLabel={`Filter ${title}`}
                filteringPlaceholder={`Filter ${plural(noun)}`}
                countText={counted(collection.filteredItemsCount ?? 0, "match", "matches")}
              />
            ) : (
              <TextFilter
                {...collection.filterProps}
                filteringAriaLabel={`Filter ${title}`}
                filteringPlaceholder={`Filter ${plural(noun)}`}
                countText={counted(collection.filteredItemsCount ?? 0, "match", "matches")}
              />
            )
          }
          pagination={!props.short && <Pagination {...collection.paginationProps} />}
        />
      </SpaceBetween>
    </div>
  );
}
