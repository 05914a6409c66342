import "./marked.css";
import { Fragment } from "react";
import { typeColour } from "../components/typeColours";
import { formatScore } from "./findings";

interface Props {
  readonly scores: readonly { readonly name: string; readonly score: number }[];
}

/** Scores from 0 to 1, each as a bar and a figure. */
export function ScoreBars({ scores }: Props) {
  return (
    <dl className="score-bar">
      {scores.map(({ name, score }) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd className={`type-colour-${typeColour(name)}`} aria-hidden="true">
            <div className="score-bar-track">
              <div className="score-bar-fill" style={{ width: `${Math.min(Math.max(score, 0), 1) * 100}%` }} />
            </div>
          </dd>
          <dd>{formatScore(score)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
