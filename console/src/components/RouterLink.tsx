import Link, { type LinkProps } from "@cloudscape-design/components/link";
import { useNavigate } from "react-router";

interface Props extends Omit<LinkProps, "href" | "onFollow"> {
  readonly to: string;
}

/** A link to another page of the console, which is opened without a reload. */
export function RouterLink({ to, ...rest }: Props) {
  const navigate = useNavigate();
  return (
    <Link
      {...rest}
      href={to}
      onFollow={(event) => {
        event.preventDefault();
        navigate(to);
      }}
    />
  );
}
