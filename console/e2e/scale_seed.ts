import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { DescribeEntitiesDetectionJobCommand } from "@aws-sdk/client-comprehend";
import { Upload } from "@aws-sdk/lib-storage";
import type { World } from "./clients";

const ROOT = join(import.meta.dirname, "../..");
const PROGRAM = process.env["READING_ROOM"] ?? join(ROOT, ".venv/bin/reading-room");
const SPEECHES = join(ROOT, "src/reading_room/cli/demo_texts");
const LAST_LINE = "Abraham Lincoln spoke in Washington on March 4, 1865.";
/** How often the texts occur in one file of the input of a large result. */
export const COPIES = 100;

const run = promisify(execFile);

/** Fill the product of the run with this many jobs, or objects of a bucket, by bench/console_seed.py. */
export async function seed(what: "jobs" | "objects", ...words: (string | number)[]): Promise<void> {
  await python(what, dataFolder(), ...words.map(String));
}

async function python(...words: string[]): Promise<string> {
  const program = join(dirname(PROGRAM), "python");
  const { stdout } = await run(program, ["-m", "bench.console_seed", ...words], { cwd: ROOT, timeout: 900_000 });
  return stdout;
}

function dataFolder(): string {
  const data = process.env["READING_ROOM_E2E_DATA"];
  if (data === undefined) throw new Error("READING_ROOM_E2E_DATA is not set: no product was started");
  return data;
}

interface Large {
  readonly job: string;
  readonly facts: ArchiveFacts;
}

/** The description of the archive that bench/console_seed.py wrote. */
interface ArchiveFacts {
  readonly documents: number;
  readonly files: number;
  readonly content: number;
  readonly archive: number;
  /** Documents of one copy of the texts. */
  readonly lines: number;
}

/** The lines of one document: a gigabyte of results of single paragraphs would need more documents than a job may have. */
function together(lines: readonly string[], count: number): string[] {
  return Array.from({ length: Math.ceil(lines.length / count) }, (_, group) =>
    lines.slice(group * count, (group + 1) * count).join(" "),
  );
}

/** Run a job over the demo's texts, then replace its result by one of the wanted size, made of the same lines. */
export async function largeResult(world: World, size: number): Promise<Large> {
  const folder = await mkdtemp(join(tmpdir(), "reading-room-scale-"));
  try {
    const texts = join(folder, "texts");
    await mkdir(texts);
    const files = (await readdir(SPEECHES)).filter((name) => name.endsWith(".txt")).sort();
    const speeches = await Promise.all(files.map((name) => readFile(join(SPEECHES, name), "utf8")));
    const paragraphs = speeches
      .join("\n")
      .split(/\n+/)
      .filter((line) => line !== "");
    const text = `${[...together(paragraphs, 5), LAST_LINE].join("\n")}\n`;
    await writeFile(join(texts, "speeches.txt"), text);
    const lines = join(folder, "lines.jsonl");
    const port = new URL(world.product.apiUrl).port;
    const place = ["--data", dataFolder(), "--port", port];
    const { stdout } = await run(PROGRAM, ["jobs", "run", texts, "--per-line", "--output", lines, ...place], {
      timeout: 600_000,
    });
    const job = /jobs explain ([0-9a-f]{32})/.exec(stdout)?.[1];
    const bucket = /in s3:\/\/([^/\s]+)\/input/.exec(stdout)?.[1];
    if (job === undefined || bucket === undefined) throw new Error(`there is no job in the output:\n${stdout}`);
    const archive = join(folder, "output.tar.gz");
    const facts = JSON.parse(
      await python("archive", lines, archive, String(size), "--copies", String(COPIES)),
    ) as ArchiveFacts;
    const described = await world.comprehend().send(new DescribeEntitiesDetectionJobCommand({ JobId: job }));
    const Key = described.EntitiesDetectionJobProperties?.OutputDataConfig?.S3Uri?.split("/").slice(3).join("/");
    const s3 = world.s3();
    await new Upload({ client: s3, params: { Bucket: bucket, Key, Body: createReadStream(archive) } }).done();
    const last = `input/part-${String(facts.files - 1).padStart(4, "0")}.txt`;
    await new Upload({ client: s3, params: { Bucket: bucket, Key: last, Body: text.repeat(COPIES) } }).done();
    return { job, facts };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
