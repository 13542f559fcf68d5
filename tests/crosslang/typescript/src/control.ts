/** The talk with whoever started the runner. */
import { createInterface } from "node:readline";

let answers: AsyncIterator<string> | undefined;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Asks for something to be done to the server; returns what was wrong, if anything, and the tokens that changed. */
export async function askControl(words: string): Promise<{ wrong?: string; tokens?: Record<string, string> }> {
  answers ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  say(`control ${words}`);
  const { value, done } = await answers.next();
  const answer = done === true ? "nobody answers" : value.trim();
  const [, verdict, more] = /^(\S*)\s*(.*)$/.exec(answer) ?? [];
  if (verdict !== "done") {
    return { wrong: `the control failed: ${answer}` };
  }
  return more === undefined || more === "" ? {} : (JSON.parse(more) as { tokens: Record<string, string> });
}
