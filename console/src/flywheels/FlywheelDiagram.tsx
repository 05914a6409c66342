import "./diagram.css";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo } from "react";
import { Breakable } from "../components/Breakable";
import { RouterLink } from "../components/RouterLink";
import { isFlowing, type Parts, type Stage, stagesOf } from "./stages";

/** The stages of a flywheel, drawn from the data lake to the endpoints; a list in this order for who does not see it. */
export function FlywheelDiagram(parts: Parts) {
  const { flywheel, datasets, iterations, endpoints } = parts;
  const stages = useMemo(
    () => stagesOf({ flywheel, datasets, iterations, endpoints }),
    [flywheel, datasets, iterations, endpoints],
  );
  return (
    <div className="flywheel">
      <ol className="flywheel-stages" aria-label={`Stages of the flywheel ${flywheel.name}`}>
        {stages.map((stage) => (
          <StageView key={stage.id} stage={stage} />
        ))}
      </ol>
      <p className="flywheel-return">The next iteration learns from all data, and is compared with the active model.</p>
    </div>
  );
}

function StageView({ stage }: { readonly stage: Stage }) {
  const { id, title, status, facts } = stage;
  return (
    <li className={`flywheel-stage ${isFlowing(stage) ? "flowing" : ""}`} data-testid={`stage-${id}`}>
      <svg className="flywheel-arrow" viewBox="0 0 24 16" aria-hidden="true" focusable="false">
        <path d="M0 8h20M14 2l7 6-7 6" />
      </svg>
      <div className={`flywheel-box ${status.type}`}>
        <h3>{title}</h3>
        <StatusIndicator type={status.type}>{status.label}</StatusIndicator>
        {facts.map(({ text, to }) => (
          <div key={text} className="flywheel-fact">
            {to === undefined ? (
              <Breakable text={text} />
            ) : (
              <RouterLink to={to} fontSize="body-s">
                <Breakable text={text} />
              </RouterLink>
            )}
          </div>
        ))}
      </div>
    </li>
  );
}
