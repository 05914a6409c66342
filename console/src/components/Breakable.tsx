import { Fragment } from "react";

/** An ARN or an address, which breaks only after a separator. */
export function Breakable({ text }: { readonly text: string }) {
  let end = 0;
  return (
    <>
      {text.split(/(?<=[:/])(?![:/])/).map((part) => {
        end += part.length;
        return (
          <Fragment key={end}>
            {part}
            <wbr />
          </Fragment>
        );
      })}
    </>
  );
}
