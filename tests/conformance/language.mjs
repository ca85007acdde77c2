// GitHub's own language service over the action and the workflows: anything it finds is an error.
//
//   node --import ./lib/json-hook.mjs language.mjs FILE…
//
// LANGUAGE_MODULES names the folder with the service.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const modules = path.resolve(process.env.LANGUAGE_MODULES);
const load = (name) => import(pathToFileURL(createRequire(path.join(modules, 'x.js')).resolve(name)).href);
const { validate } = await import(pathToFileURL(path.join(modules, '@actions/languageservice/dist/index.js')).href);
const { TextDocument } = await load('vscode-languageserver-textdocument');

let found = 0;
for (const file of process.argv.slice(2)) {
  const document = TextDocument.create(pathToFileURL(path.resolve(file)).href, 'yaml', 1, fs.readFileSync(file, 'utf8'));
  for (const { message, range } of await validate(document, {})) {
    found += 1;
    console.error(`${file}:${range.start.line + 1}:${range.start.character + 1}: ${message}`);
  }
}
if (found) process.exitCode = 1;
else console.log(`ok      ${process.argv.length - 2} files`);
