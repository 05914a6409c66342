import "./parts.css";

interface Props {
  /** Between 0 and 1. */
  readonly share: number;
  readonly value: string;
  /** The number of a type's colour; without one the bar is plain. */
  readonly colour?: number | undefined;
}

/** A value with a bar of its share; the bar adds no information to the value. */
export function Bar({ share, value, colour }: Props) {
  const width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  return (
    <div className="bar-cell">
      <div className="bar-track" aria-hidden="true">
        <div
          className={colour === undefined ? "bar-fill" : `bar-fill type-colour-${colour}`}
          style={{ inlineSize: width }}
        />
      </div>
      <span className="bar-value">{value}</span>
    </div>
  );
}
