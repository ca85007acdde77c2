// Runs commands through the small program that measures them, and says what they took.
import { spawn } from "node:child_process";
import { once } from "node:events";

// What the machine says of CI must not choose what is done, and nothing may phone home.
const PLAIN = {
  PATH: process.env.PATH,
  SENTRY_CLI_NO_TELEMETRY: "1",
  SENTRY_CLI_NO_UPDATE_CHECK: "1",
  NO_PROXY: "127.0.0.1",
};

// One run: `{ wall, cpu, memory, exit }` in milliseconds and KiB. What it printed is in `said`.
export async function measured(measure, { words, env = {}, cwd, home }) {
  const child = spawn(measure, words, {
    cwd,
    env: { ...PLAIN, HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const texts = [1, 2, 3].map(() => "");
  [1, 2, 3].forEach((fd) => child.stdio[fd].on("data", (bytes) => (texts[fd - 1] += bytes)));
  await once(child, "close");
  if (texts[2] === "") throw new Error(`${words.join(" ")} cannot be run`);
  const taken = JSON.parse(texts[2]);
  if (taken.exit !== 0) {
    throw new Error(`${words.join(" ")} ended with ${taken.exit}\n${texts[0]}${texts[1]}`);
  }
  return taken;
}

// Lets every contestant do the work in turn, `rounds` times; each one's figures by its name. The
// first round is not counted: it fills the caches of the machine.
export async function alternate(measure, contestants, rounds) {
  const taken = new Map(contestants.map((contestant) => [contestant.name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const contestant of contestants) {
      const one = await measured(measure, contestant.work(`${contestant.name}-${round}`));
      if (round > 0) taken.get(contestant.name).push(one);
    }
  }
  return new Map([...taken].map(([name, all]) => [name, figures(all)]));
}

function figures(all) {
  const sorted = (key) => all.map((one) => one[key]).sort((one, other) => one - other);
  const median = (list) => list[Math.floor((list.length - 1) / 2)];
  const wall = sorted("wall");
  return {
    median: median(wall),
    min: wall[0],
    max: wall.at(-1),
    cpu: median(sorted("cpu")),
    memory: Math.max(...sorted("memory")) / 1024,
  };
}
