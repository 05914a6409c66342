import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { graphOf } from "../../src/vpc/map/graph";
import { MapCanvas } from "../../src/vpc/map/MapCanvas";
import { Frame, signedIn } from "../signedIn";
import { WORLD } from "./world";

const ARN = "arn:aws:comprehend:us-east-1:000000000001:entities-detection-job/0a1b";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function open(container: object): Promise<void> {
  await signedIn();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe(): void {}
      disconnect(): void {}
    },
  );
  const runs = { JobRuns: [{ JobIdentifier: ARN, Containers: [container] }], Errors: [] };
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(JSON.stringify(runs))),
  );
  render(<MapCanvas graph={graphOf("vpc-1", WORLD)} />, { wrapper: Frame });
}

describe("a job's container in the map", () => {
  it("is shown with its host, if there are several", async () => {
    await open({ NetworkInterfaceId: "eni-1", Host: "b" });
    expect((await screen.findByText("b")).closest("li")?.textContent).toBe("10.0.0.9 job 0a1b on host b");
  });

  it("is shown without a host, if there is only one", async () => {
    await open({ NetworkInterfaceId: "eni-1" });
    await vi.waitFor(() => expect(fetch).toHaveResolved());
    await new Promise((resolve) => setTimeout(resolve));
    expect(screen.getByText("0a1b").closest("li")?.textContent).toBe("10.0.0.9 job 0a1b");
    expect(screen.queryByText(/on host/)).toBeNull();
  });
});
