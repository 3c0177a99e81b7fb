// The test node, in a process of its own: a line for each order, a line for each answer.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export const WITHIN_MS = 20_000;

export class TestNode {
  static async start(program) {
    const node = new TestNode();
    node.process = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    node.answers = createInterface({ input: node.process.stdout })[Symbol.asyncIterator]();
    node.port = Number(await node.answer());
    return node;
  }

  async ask(order) {
    this.process.stdin.write(`${order}\n`);
    return this.answer();
  }

  async answer() {
    const { value, done } = await this.answers.next();
    if (done) throw new Error("the node has ended");
    return value;
  }

  // Waits until the node gives an answer.
  async until(order, wanted) {
    let answer;
    for (const end = Date.now() + WITHIN_MS; Date.now() < end; await sleep(20)) {
      answer = await this.ask(order);
      if (answer === wanted) return;
    }
    throw new Error(`the node answers "${answer}" to "${order}", and not "${wanted}"`);
  }

  stop() {
    this.process.stdin.end();
  }
}

// Runs one step and prints what became of it.
export async function step(name, run) {
  try {
    await run();
    console.log(`${name}: ok`);
  } catch (error) {
    console.error(error);
    console.log(`${name}: failed: ${String(error.message ?? error).replaceAll("\n", " ")}`);
  }
}

// Waits for an event of an emitter that is the one that is meant; returns its arguments. It must be
// called before what brings the event.
export function next(emitter, name, isMeant = () => true) {
  return new Promise((resolve, reject) => {
    const given = setTimeout(() => reject(new Error(`no ${name} comes`)), WITHIN_MS);
    function listener(...values) {
      if (!isMeant(...values)) return;
      clearTimeout(given);
      emitter.off(name, listener);
      resolve(values);
    }
    emitter.on(name, listener);
  });
}
