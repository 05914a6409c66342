import { cleanup, render, screen, within } from "@testing-library/react";
import { createElement } from "react";
import { MemoryRouter } from "react-router";
import { afterEach, expect, it } from "vitest";
import { comprehendOf } from "../../src/api/comprehend";
import { FlywheelDiagram } from "../../src/flywheels/FlywheelDiagram";
import FlywheelsPage from "../../src/flywheels/FlywheelsPage";
import { answers, Frame, signedIn } from "../signedIn";
import { dataset, endpoint, flywheel, iteration, SUMMARY } from "./world";

afterEach(cleanup);

it("the list says which model is active, and leads to the flywheel", async () => {
  answers(comprehendOf(await signedIn()), { ListFlywheels: { FlywheelSummaryList: [SUMMARY] } });
  render(createElement(FlywheelsPage), { wrapper: Frame });
  const row = await screen.findByRole("row", { name: /mail.*Active.*Classifier.*mail · v1/ });
  const link = within(row).getByRole("link", { name: "mail" });
  expect(link.getAttribute("href")).toBe(`/flywheels/view?${new URLSearchParams({ arn: SUMMARY.FlywheelArn })}`);
});

it("without flywheels, the list says what they are for", async () => {
  answers(comprehendOf(await signedIn()), { ListFlywheels: {} });
  render(createElement(FlywheelsPage), { wrapper: Frame });
  const link = await screen.findByRole("link", { name: "Create the first flywheel" });
  expect(link.getAttribute("href")).toBe("/flywheels/create");
});

it("the diagram is a list of stages for who does not see it, with links to what they name", () => {
  const parts = { flywheel: flywheel(), datasets: [dataset()], iterations: [iteration()], endpoints: [endpoint()] };
  render(createElement(MemoryRouter, null, createElement(FlywheelDiagram, parts)));
  const list = screen.getByRole("list", { name: "Stages of the flywheel mail" });
  const stages = within(list).getAllByRole("listitem");
  expect(stages.map((stage) => within(stage).getByRole("heading").textContent)).toEqual([
    "Data lake",
    "Datasets",
    "Iteration",
    "Evaluation",
    "Active model",
    "Endpoints",
  ]);
  expect(within(list).getByRole("link", { name: "New model: mail · v2" }).getAttribute("href")).toContain(
    "/models/view",
  );
  // Only drawings: they would be read as noise.
  for (const arrow of list.querySelectorAll("svg.flywheel-arrow"))
    expect(arrow.getAttribute("aria-hidden")).toBe("true");
});
