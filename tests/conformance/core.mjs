// Whether what the program writes for GitHub is, byte for byte, what the toolkit's @actions/core
// writes for the same outputs, masks and annotations. Only the random mark of a block differs.
//
// CORE_MODULES names the folder with the toolkit.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { parse as parseFile } from './lib/runner-filecmd.mjs';
import { parse as parseCommand } from './lib/workflow-command.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'target/conformance/packages/bin/finishline');
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-core-'));

// Runs the program as a step: the bytes of its outputs, and its lines that are commands.
function step(inputs) {
  const output = path.join(temp, 'output');
  fs.writeFileSync(output, '');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: output, FINISHLINE_BACKEND: 'embedded', FINISHLINE_ORG: 'acme',
    FINISHLINE_DATABASE: path.join(temp, 'finishline.db'), ...inputs };
  const done = spawnSync(program, ['run'], { cwd: temp, env, encoding: 'utf8' });
  const lines = (done.stderr + done.stdout).split('\n').filter((line) => line.startsWith('::'));
  return { outputs: fs.readFileSync(output, 'utf8'), lines };
}

// What the toolkit does for each case.
function toolkit(cases) {
  const env = { ...process.env, NODE_PATH_CORE: path.join(process.env.CORE_MODULES, '@actions/core') };
  const input = cases.map((one) => JSON.stringify(one)).join('\n');
  const done = spawnSync(process.execPath, [path.join(import.meta.dirname, 'lib/core-oracle.mjs')], { env, input, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

// The call of the toolkit that a line of ours should be.
function call(line) {
  const { command, properties, data } = parseCommand(line);
  const message = data;
  switch (command) {
    case 'add-mask': return { op: 'setSecret', message };
    case 'group': return { op: 'startGroup', message };
    case 'error': case 'warning': case 'notice': return { op: command, message, props: properties };
    case 'endgroup': return null;
    default: throw new Error(`the program issues ${line}`);
  }
}

const MARK = /finishline_[0-9a-f]{32}_[0-9]+/g;
const STEPS = {
  'a step that finishes': { FINISHLINE_PROVIDER: 'example', FINISHLINE_STATE: 'name: "100% é, ::error::a\\r\\nb"' },
  'a step with a secret': { FINISHLINE_PROVIDER: 'opsgenie', FINISHLINE_NEXT: 'https://example.com/?a=b c',
    FINISHLINE_STATE: '{baseUrl: "https://api.opsgenie.com/", provider: acme, apiKey: "s3cr3t%25key"}' },
  'a step with mistakes': { FINISHLINE_PROVIDER: 'a%b:c,d\n::error::e', FINISHLINE_MODE: 'often' },
  'a step that a person must go on with': { FINISHLINE_PROVIDER: 'gitlab', FINISHLINE_TOLERATE: 'all',
    FINISHLINE_STATE: '{url: "https://gitlab.example", clientId: a, clientSecret: "line one\\nline two"}' },
};

for (const [name, inputs] of Object.entries(STEPS)) {
  const { outputs, lines } = step(inputs);
  const { pairs, error } = parseFile(Buffer.from(outputs));
  assert.equal(error, null);
  const written = toolkit(pairs.map(([key, value]) => ({ op: 'setOutput', name: key, value })));
  const theirs = written.map((one) => one.bytes).join('').replace(/ghadelimiter_[0-9a-f-]{36}/g, 'MARK');
  assert.equal(outputs.replace(MARK, 'MARK'), theirs, name);
  const calls = lines.map((line) => [line, call(line)]).filter(([, one]) => one);
  assert.ok(calls.length > 0, 'the step issues commands');
  const issued = toolkit(calls.map(([, one]) => one));
  calls.forEach(([line], at) => assert.equal(`${line}\n`, issued[at].stdout, name));
  console.log(`ok      ${name}: ${pairs.length} outputs, ${calls.length} commands`);
}
fs.rmSync(temp, { recursive: true });
