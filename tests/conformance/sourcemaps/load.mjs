// Loads scripts into one global object, as a server or a page does, and tells what the SDK would see:
// what each registered, whether it is strict, and the stack of each error that they throw.
//   load.mjs <<<'{"files": ["/a.js"]}'  →  {"load": {file: error}, "ids": {stack: id}, "strict": …, "stacks": {key: stack}}
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

Error.stackTraceLimit = 100;
const { files } = JSON.parse(fs.readFileSync(0, 'utf8'));
const load = {};
for (const file of files) {
  try {
    // `import` takes both kinds, and says by the package's rules which one a file is.
    if (file.endsWith('.cjs')) createRequire(file)(file);
    else await import(pathToFileURL(file));
  } catch (error) {
    load[file] = String(error?.message).slice(0, 200);
  }
}
await globalThis.__loaded;
const stacks = {};
for (const [key, boom] of Object.entries(globalThis.__boom ?? {})) {
  try {
    boom();
  } catch (error) {
    stacks[key] = error.stack ?? '';
  }
}
fs.writeSync(1, JSON.stringify({ load, ids: globalThis._sentryDebugIds ?? {}, strict: globalThis.__strict ?? {}, stacks }));
process.exit(0);
