import { Answers } from "./answers";
import type { FromWorker, ToWorker } from "./messages";

const answers = new Answers();
const cancelled = new Set<number>();
const PROGRESS_MILLISECONDS = 100;

const send = (message: FromWorker): void => self.postMessage(message);

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.name === "cancel") cancelled.add(data.id);
  else void answer(data);
});

async function answer(question: Exclude<ToWorker, { name: "cancel" }>): Promise<void> {
  const { id } = question;
  let reportedAt = 0;
  const onProgress = (progress: number): boolean => {
    if (Date.now() - reportedAt > PROGRESS_MILLISECONDS) {
      reportedAt = Date.now();
      send({ id, progress });
    }
    return !cancelled.has(id);
  };
  try {
    send({ id, answer: await answers.answer(question, onProgress) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    send({ id, fault: { name, message } });
  } finally {
    cancelled.delete(id);
  }
}
