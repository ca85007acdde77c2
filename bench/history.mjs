// Makes a bare repository with a long history: `node bench/history.mjs FOLDER COMMITS`.
//
// Each commit changes one to three of 4,000 files in folders three deep, with a message and an
// author; every twentieth commit makes a file. What it makes is the same each time.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";

const FILES = 4000;

// A small generator of the same numbers each time.
function numbers(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

function path(file) {
  return `part${file % 16}/area${(file >> 4) % 12}/module${(file >> 8) % 8}/file${file}.rs`;
}

function content(next, file) {
  const line = () => `    value_${next(1000)}(${next(100000)});\n`;
  return `fn file_${file}() {\n${Array.from({ length: 12 }, line).join("")}}\n`;
}

function blob(path, text) {
  return `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
}

function commit(number, next, changes) {
  const who = `Author ${next(40)} <author${next(40)}@acme.example>`;
  const message = `Change the part of commit ${number}\n\nBecause of issue ${next(5000)}.\n`;
  const head = `commit refs/heads/main\ncommitter ${who} ${1.6e9 + number * 600} +0000\n`;
  return `${head}data ${Buffer.byteLength(message)}\n${message}\n${changes.join("")}\n`;
}

// Fills a new bare repository, as far as it is not there already.
export async function history(folder, commits) {
  const git = (...words) => execFileSync("git", ["-C", folder, ...words], { encoding: "utf8" });
  try {
    if (git("rev-list", "--count", "main").trim() === String(commits)) return;
  } catch {
    // There is none, or half of one: it is made anew.
  }
  execFileSync("rm", ["-rf", folder]);
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", folder]);
  const importer = spawn("git", ["-C", folder, "fast-import", "--quiet"], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const write = async (text) => importer.stdin.write(text) || once(importer.stdin, "drain");
  const next = numbers(7);
  const all = Array.from({ length: FILES }, (_, file) => blob(path(file), content(next, file)));
  await write(commit(0, next, all));
  for (let number = 1; number < commits; number += 1) {
    const files = Array.from({ length: 1 + next(3) }, () => next(FILES));
    if (number % 20 === 0) files.push(FILES + number);
    await write(commit(number, next, files.map((file) => blob(path(file), content(next, file)))));
  }
  importer.stdin.end();
  await once(importer, "close");
  git("repack", "-adfq", "--window=10", "--depth=50");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await history(process.argv[2], Number(process.argv[3]));
}
