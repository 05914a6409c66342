import "./parts.css";

interface Props {
  /** Between 0 and 1. */
  readonly share: number;
  readonly value: string;
}

/** A value with a bar of its share; the bar says nothing that the value does not. */
export function Bar({ share, value }: Props) {
  const width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  return (
    <div className="bar-cell">
      <div className="bar-track" aria-hidden="true">
        <div className="bar-fill" style={{ inlineSize: width }} />
      </div>
      <span className="bar-value">{value}</span>
    </div>
  );
}
