#!/usr/bin/env node
"use strict";

// Starts the program of this machine's package, and passes on its arguments, streams, signals and exit
// code. It downloads nothing.

const { spawn } = require("node:child_process");

const packages = Object.keys(require("../package.json").optionalDependencies);
const name = `finishline-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "finishline.exe" : "finishline";

function fail(...lines) {
  console.error(["error: finishline cannot start: " + lines[0], ...lines.slice(1)].join("\n  "));
  process.exit(1);
}

function find() {
  if (!packages.includes(name)) {
    fail(
      `there is no package of it for ${process.platform} on ${process.arch}`,
      "hint: build it from source with `cargo install --locked finishline`",
    );
  }
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    return fail(
      `the package ${name} is not installed`,
      "hint: install again without `--omit=optional` or `--no-optional`, on the system that runs it",
    );
  }
}

const program = spawn(find(), process.argv.slice(2), { stdio: "inherit" });

// Whoever stops this process means the program, which ends in its own time.
const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of signals) {
  process.on(signal, () => program.kill(signal));
}

program.on("error", (error) => fail(error.message));
program.on("exit", (code, signal) => {
  if (signal === null) {
    process.exit(code);
  }
  signals.forEach((one) => process.removeAllListeners(one));
  process.kill(process.pid, signal);
});
