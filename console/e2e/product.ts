import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Product, World } from "./clients";
import { recordFlows, seededIds } from "./seeds";

const run = promisify(execFile);
const PROGRAM = process.env["READING_ROOM"] ?? join(import.meta.dirname, "../../.venv/bin/reading-room");
const SPEECHES = join(import.meta.dirname, "../../src/reading_room/cli/demo_texts");
const READY_MILLISECONDS = 90_000;
/** Where state events are delivered. It does not exist until a test makes it, so that there are failures to show. */
export const EVENTS_BUCKET = "state-events-e2e";

/** Start a product with a private VPC and two jobs in it, for all tests; the returned function ends it. */
export default async function start(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "reading-room-console-"));
  const data = join(folder, "data");
  const [port, consolePort] = [await freePort(), await freePort()];
  const up = spawn(PROGRAM, ["up", "--data", data, "--port", String(port), "--console-port", String(consolePort)], {
    stdio: ["ignore", "pipe", "pipe"],
    // Its privileged state is deleted with the folder, and is not in the machine's own registry.
    env: {
      ...process.env,
      READING_ROOM_LOG_LEVEL: "warning",
      READING_ROOM_STATE: join(folder, "state"),
      READING_ROOM_EVENTS_BUCKET: `s3://${EVENTS_BUCKET}/`,
    },
  });
  const end = async (): Promise<void> => {
    await ended(up);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(up);
    const keys = await readFile(join(data, "credentials"), "utf8");
    const started: Product = {
      apiUrl: `http://127.0.0.1:${port}`,
      consoleUrl: `http://127.0.0.1:${consolePort}`,
      accessKeyId: field(keys, "aws_access_key_id"),
      secretAccessKey: field(keys, "aws_secret_access_key"),
      jobs: { entities: "", sentiment: "", topics: "" },
    };
    const world = new World(started);
    await seed(world, folder, data, port);
    const product: Product = { ...started, jobs: await seededIds(world) };
    process.env["READING_ROOM_E2E"] = JSON.stringify(product);
    process.env["READING_ROOM_E2E_DATA"] = data;
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

/** Jobs over a few texts, created as a newcomer would: bucket, VPC, endpoint, role and job. */
async function seed(world: World, folder: string, data: string, port: number): Promise<void> {
  const small = join(folder, "texts");
  await mkdir(small);
  await writeFile(join(small, "curie.txt"), "Marie Curie was born in Warsaw and moved to Paris to study physics.\n");
  await writeFile(
    join(small, "lovelace.txt"),
    "Ada Lovelace wrote to Charles Babbage from London. She was delighted.\n",
  );
  // Pictures show a real collection.
  const forPictures = process.env["PICTURES"] !== undefined;
  const texts = forPictures ? SPEECHES : small;
  for (const [index, kind] of ["topics", "entities", "sentiment"].entries()) {
    // The speeches are longer than a document for sentiment may be; their paragraphs are not.
    const units = forPictures && kind === "sentiment" ? ["--per-line"] : [];
    await run(PROGRAM, ["jobs", "run", texts, "--kind", kind, ...units, "--data", data, "--port", String(port)], {
      timeout: 600_000,
    });
    // The first job made the network; flows of the later ones are recorded.
    if (index === 0) await recordFlows(world);
  }
}

function ready(up: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const late = setTimeout(() => reject(new Error(`up was not ready:\n${output}`)), READY_MILLISECONDS);
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
      if (/^ready /m.test(output)) {
        clearTimeout(late);
        resolve();
      }
    };
    up.stdout?.on("data", collect);
    up.stderr?.on("data", collect);
    up.once("exit", (code) => {
      clearTimeout(late);
      reject(new Error(`up ended with ${code}:\n${output}`));
    });
  });
}

function ended(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const kill = setTimeout(() => up.kill("SIGKILL"), 20_000);
    up.once("exit", () => {
      clearTimeout(kill);
      resolve();
    });
    up.kill("SIGTERM");
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function field(text: string, name: string): string {
  const found = new RegExp(`^${name} *= *(\\S+)$`, "m").exec(text);
  if (found?.[1] === undefined) throw new Error(`the credentials file has no ${name}`);
  return found[1];
}
