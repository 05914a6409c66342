import Button, { type ButtonProps } from "@cloudscape-design/components/button";
import { useNavigate } from "react-router";

interface Props extends Omit<ButtonProps, "href" | "onFollow" | "onClick"> {
  readonly to: string;
}

/** A button that opens another page of the console. */
export function RouterButton({ to, ...rest }: Props) {
  const navigate = useNavigate();
  return (
    <Button
      {...rest}
      href={to}
      onFollow={(event) => {
        event.preventDefault();
        navigate(to);
      }}
    />
  );
}
