import "./map.css";
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { RouterLink } from "../../components/RouterLink";
import { useJobProgress } from "../../jobs/hooks";
import { pathOf } from "../ids";
import { JobLink } from "../JobLink";
import { jobOf } from "../jobs";
import { COLUMNS, type Graph, type MapInterface, type MapNode, neighbour, pathOfNode } from "./graph";
import { curve } from "./lines";

const SHOWN_INTERFACES = 6;

/**
 * The drawing: columns of resources with lines between them. The resource under the pointer, or with the focus, shows
 * its path.
 */
export function MapCanvas({ graph }: { readonly graph: Graph }) {
  const drawing = useRef<HTMLDivElement>(null);
  const [lines, setLines] = useState<readonly (string | undefined)[]>([]);
  const [chosen, setChosen] = useState<string>();
  const lit = chosen === undefined ? new Set<string>() : pathOfNode(chosen, graph.edges);
  const measure = useCallback(() => {
    const root = drawing.current;
    if (root === null) return;
    const outer = root.getBoundingClientRect();
    const boxes = new Map(
      [...root.querySelectorAll<HTMLElement>("[data-node]")].map((node) => [
        node.dataset["node"] ?? "",
        node.getBoundingClientRect(),
      ]),
    );
    setLines(
      graph.edges.map(({ from, to }) => {
        const [one, other] = [boxes.get(from), boxes.get(to)];
        return one && other && curve(one, other, outer);
      }),
    );
  }, [graph]);
  useLayoutEffect(measure, [measure]);
  useEffect(() => {
    const root = drawing.current;
    if (root === null) return;
    const observer = new ResizeObserver(measure);
    observer.observe(root);
    return () => observer.disconnect();
  }, [measure]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const id = (event.target as Element).closest<HTMLElement>("[data-node]")?.dataset["node"];
    const next = id && neighbour(id, event.key, graph);
    if (!next) return;
    event.preventDefault();
    drawing.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(next)}"] a`)?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys are a shortcut between links that Tab reaches, too.
    <div className="vpc-map" ref={drawing} onKeyDown={onKeyDown}>
      <svg className="vpc-map-lines" aria-hidden="true" focusable="false">
        <title>Connections</title>
        {graph.edges.map((edge, index) => {
          const on = lit.has(edge.from) && lit.has(edge.to);
          return (
            lines[index] && (
              <path
                key={`${edge.from} ${edge.to}`}
                d={lines[index]}
                className={`${on ? "on" : ""} ${edge.broken ? "broken" : ""}`}
              />
            )
          );
        })}
      </svg>
      {COLUMNS.map((title, column) => (
        <section key={title} className="vpc-map-column" aria-label={title}>
          <h3>{title}</h3>
          {graph.nodes
            .filter((node) => node.column === column)
            .map((node) => (
              <Node key={node.id} node={node} on={lit.has(node.id)} onChoose={setChosen} />
            ))}
        </section>
      ))}
    </div>
  );
}

interface NodeProps {
  readonly node: MapNode;
  readonly on: boolean;
  readonly onChoose: (id: string | undefined) => void;
}

function Node({ node, on, onChoose }: NodeProps) {
  const path = pathOf(node.id);
  const more = node.interfaces.length - SHOWN_INTERFACES;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing only highlights the path; focus does the same.
    <div
      className={`vpc-map-node ${on ? "on" : ""}`}
      data-node={node.id}
      onMouseEnter={() => onChoose(node.id)}
      onMouseLeave={() => onChoose(undefined)}
      onFocus={() => onChoose(node.id)}
      onBlur={() => onChoose(undefined)}
    >
      {path === undefined ? <bdi>{node.title}</bdi> : <RouterLink to={path}>{node.title}</RouterLink>}
      {node.facts.map((fact) => (
        <div key={fact} className="vpc-map-fact">
          {fact}
        </div>
      ))}
      {node.interfaces.length > 0 && (
        <ul>
          {node.interfaces.slice(0, SHOWN_INTERFACES).map((each) => (
            <li key={each.id}>
              <RouterLink to={pathOf(each.id) ?? "/vpc/interfaces"} fontSize="body-s">
                {each.address}
              </RouterLink>
              {each.isJob && (
                <>
                  {" job "}
                  <JobLink description={each.description} />
                  <OnHost each={each} />
                </>
              )}
            </li>
          ))}
          {more > 0 && <li>and {more} more interfaces</li>}
        </ul>
      )}
    </div>
  );
}

/** The host of a job's container. With one host, or without permission to describe the job, there is nothing to say. */
function OnHost({ each }: { readonly each: MapInterface }) {
  const { data } = useJobProgress(jobOf(each.description)?.arn ?? "", each.isJob);
  const host = data?.Containers.find((container) => container.NetworkInterfaceId === each.id)?.Host;
  return (
    host !== undefined && (
      <>
        {" on host "}
        <bdi>{host}</bdi>
      </>
    )
  );
}
