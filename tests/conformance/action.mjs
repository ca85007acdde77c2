// Runs the action as a step of a job, under a runner's rules, and checks what the job sees.
//
// The action is taken as a user has it, from a tagged commit: it downloads the release's archive,
// which is the one that packages.sh has built. MINI_MODULES names the folder with the runner's npm
// packages.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const root = path.resolve(import.meta.dirname, '../..');
const packages = path.join(root, 'target/conformance/packages');
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-conformance-'));

const archive = fs.readdirSync(packages).find((name) => name.endsWith('.tar.gz'));
if (!archive) throw new Error('tests/conformance/packages.sh has built no archive');
const version = /^finishline-(.*?)-(?:x86_64|aarch64)/.exec(archive)[1];
const sha256 = (file) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const sums = `${sha256(path.join(packages, archive))}  ${archive}\n`;

// A folder with the releases as a server has them.
function releases() {
  const folder = fs.mkdtempSync(path.join(temp, 'releases-'));
  fs.mkdirSync(path.join(folder, `v${version}`));
  fs.copyFileSync(path.join(packages, archive), path.join(folder, `v${version}`, archive));
  return folder;
}

// The action's repository as a job checks it out, with these sums beside the action.
function checkout(text) {
  const folder = fs.mkdtempSync(path.join(temp, 'checkout-'));
  const copy = (from, to = from) => fs.cpSync(path.join(root, from), path.join(folder, to), { recursive: true });
  for (const name of ['action.yml', 'action', 'Cargo.toml']) copy(name);
  copy('tests/conformance/workflows', 'workflows');
  copy('target/conformance/examples', 'examples');
  fs.rmSync(path.join(folder, 'action/SHA256SUMS'), { force: true });
  if (text) fs.writeFileSync(path.join(folder, 'action/SHA256SUMS'), text);
  // What is built here was attested nowhere, and a `gh` of this machine is not asked about it.
  named(folder, 'https://git.example/makers/finishline');
  return folder;
}

// Says in the manifest of a checkout where its releases are.
function named(folder, repository) {
  const manifest = path.join(folder, 'Cargo.toml');
  const text = fs.readFileSync(manifest, 'utf8');
  fs.writeFileSync(manifest, text.replace(/^repository = .*$/m, `repository = "${repository}"`));
}

// A server, in a thread of its own since the runner blocks this one: all releases in one repository,
// and a login page elsewhere. Its URL.
async function server(folder) {
  const worker = new Worker(`
    const { parentPort, workerData } = require('node:worker_threads');
    const fs = require('node:fs');
    const server = require('node:http').createServer((request, response) => {
      const file = /^\\/makers\\/finishline\\/releases\\/download\\/(v.*)$/.exec(request.url)?.[1];
      response.end(file ? fs.readFileSync(workerData + '/' + file) : '<!DOCTYPE html><title>Sign in</title>');
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  `, { eval: true, workerData: folder });
  worker.unref();
  return new Promise((resolve) => worker.once('message', (port) => resolve(`http://127.0.0.1:${port}`)));
}

// A Sentry for the examples of the README, and the web app that they build.
async function sentry(token, test) {
  const args = ['serve', '--listen', '127.0.0.1:0', '--database', path.join(temp, 'sentry.db'), '--org', 'acme', '--project', 'web'];
  const served = spawn(path.join(packages, 'bin/finishline'), args, { env: { SENTRY_AUTH_TOKEN: token }, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [said] = await once(served.stdout, 'data');
    await test(/http:\S+/.exec(String(said))[0]);
  } finally {
    served.kill();
  }
}

const tagged = checkout(sums);

const SETTINGS = 'http://127.0.0.1:9797/settings/acme/integrations/opsgenie/1/';
const SHA = 'a1b2c3d4e5'.repeat(4);
const NEXT = '?next=https%3A%2F%2Fexample.com%2Fa+b%3Fc%3Dd%26e%3D%C3%A9';

// Runs the only job of a workflow: how it ended, its report and its log.
function run(workflow, { workspace = tagged, from = releases(), env = {}, args = [] } = {}) {
  const report = path.join(temp, 'report.json');
  fs.rmSync(report, { force: true });
  const given = { FINISHLINE_RELEASES: `file://${from}`, RELEASES_FOLDER: from, ...env };
  const variables = Object.entries(given).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const runner = path.join(import.meta.dirname, 'lib/mini-runner.mjs');
  const all = [runner, '--workspace', workspace, '--workflow', workflow, '--report', report, ...variables, ...args];
  const done = spawnSync(process.execPath, all, { cwd: temp, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const log = done.stdout + done.stderr;
  if (!fs.existsSync(report)) throw new Error(`the runner broke:\n${log}`);
  const job = JSON.parse(fs.readFileSync(report, 'utf8'));
  const step = (id) => job.steps.find((one) => one.id === id);
  return { exit: done.status, job, step, log };
}

const ours = (name, options) => run(`workflows/${name}.yml`, options);
// Puts the archive under another version beside the first one; its sum.
function other() {
  const folder = fs.mkdtempSync(path.join(temp, 'other-'));
  const name = path.basename(archive, '.tar.gz');
  const renamed = name.replace(version, '9.9.9');
  spawnSync('tar', ['-xzf', path.join(packages, archive), '-C', folder]);
  fs.renameSync(path.join(folder, name), path.join(folder, renamed));
  const from = path.join(temp, 'v9.9.9');
  fs.mkdirSync(from, { recursive: true });
  const packed = path.join(from, `${renamed}.tar.gz`);
  spawnSync('tar', ['-czf', packed, '-C', folder, renamed]);
  return sha256(packed);
}

// Runs the installer alone, as a runner of this kind does, with an archive that is made for it.
function installed(system, arch, target) {
  const folder = fs.mkdtempSync(path.join(temp, 'installed-'));
  const name = `finishline-${version}-${target}`;
  const from = path.join(folder, `v${version}`);
  fs.mkdirSync(path.join(folder, name), { recursive: true });
  fs.mkdirSync(from);
  fs.writeFileSync(path.join(folder, name, system === 'Windows' ? 'finishline.exe' : 'finishline'), '', { mode: 0o755 });
  const packed = path.join(from, `${name}.tar.gz`);
  spawnSync('tar', ['-czf', packed, '-C', folder, name]);
  const action = checkout(`${sha256(packed)}  ${name}.tar.gz\n`);
  const output = path.join(folder, 'output');
  const env = { PATH: process.env.PATH, RUNNER_OS: system, RUNNER_ARCH: arch, RUNNER_TEMP: folder, RUNNER_TOOL_CACHE: `${folder}/tools`,
    GITHUB_ACTION_PATH: action, GITHUB_OUTPUT: output, FINISHLINE_RELEASES: `file://${folder}` };
  const done = spawnSync('bash', [path.join(action, 'action/install.sh')], { cwd: folder, env, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  return { folder, sum: sha256(packed), output: fs.readFileSync(output, 'utf8') };
}

const errors = (step) => step.annotations.filter((one) => one.type === 'error');

// Checks a part of the outputs; the rest may be anything.
function outputs(step, expected) {
  const there = Object.fromEntries(Object.keys(expected).map((name) => [name, step.outputs[name]]));
  assert.deepEqual(there, expected);
}

function finished({ exit, job, step, log }) {
  assert.equal(exit, 0);
  outputs(step('finish'), {
    status: 'complete', changed: 'true', 'integration-id': '1', 'pipeline-type': 'install',
    'redirect-url': SETTINGS + NEXT, 'error-code': '', 'error-message': '', warnings: '',
  });
  assert.deepEqual(job.outputs, { status: 'complete', settings: SETTINGS + NEXT });
  assert.deepEqual(step('finish').annotations, []);
  assert.ok(step('later').stdout.includes('the key is ***'), 'the secret is masked from here on');
  assert.ok(!log.includes('s3cr3t-key'), 'the secret is in the log');
}

const tests = {
  'inputs by `with:`, outputs in a later step and of the job'() {
    const done = ours('with');
    finished(done);
    const said = done.step('later').stdout;
    assert.deepEqual(said.slice(0, 2), ['status is complete, changed is true', `settings are at ${SETTINGS}${NEXT}`]);
    assert.equal(done.job.environmentUrl, SETTINGS + NEXT);
    const summary = done.step('finish').inner.at(-1).summary;
    assert.match(summary, /Opsgenie is installed for acme/);
    const result = JSON.parse(done.step('finish').outputs.result);
    assert.equal(result.schema, 1);
  },

  'inputs by the environment, and an input wins over it'() {
    const done = ours('env');
    finished(done);
    outputs(done.step('plan'), { status: 'planned', changed: 'false', 'redirect-url': '', 'integration-id': '' });
    const said = done.step('plan').inner.at(-1).stdout;
    assert.ok(said.includes('Opsgenie would be installed for other'), said.join('\n'));
    assert.ok(!done.log.includes('an0ther-key'), 'the secret is in the log');
  },

  'a failed step has outputs and one error with a title'() {
    const { exit, job, step, log } = ours('failing');
    assert.equal(exit, 0);
    const { outcome, conclusion, inner } = step('finish');
    assert.deepEqual([outcome, conclusion, inner.at(-1).exitCode], ['failure', 'success', 2]);
    outputs(step('finish'), { status: 'error', changed: 'false', 'error-code': 'missing-field' });
    assert.deepEqual(job.outputs, { status: 'error', error: 'missing-field' });
    const [error, ...more] = errors(step('finish'));
    assert.equal(error.title, 'finishline: missing-field');
    assert.match(error.message, /`provider` is missing from `state`.*\n.*finishline providers opsgenie/);
    assert.deepEqual(more.map((one) => one.message), ['Process completed with exit code 2.']);
    assert.equal(step('later').outcome, 'success');
    assert.match(step('later').stdout[0], /^missing-field: `provider` is missing/);
    assert.ok(!log.includes('s3cr3t-key'), 'the secret is in the log');
  },

  'several uses in one job keep their outputs apart'() {
    const { exit, step, log } = ours('again');
    assert.equal(exit, 0);
    const all = { status: 'complete', 'integration-id': '1', 'redirect-url': SETTINGS };
    outputs(step('first'), { ...all, changed: 'true' });
    outputs(step('second'), { ...all, changed: 'false' });
    outputs(step('rotated'), { ...all, changed: 'true' });
    assert.ok(!/s3cr3t-key|r0tated-key/.test(log), 'a secret is in the log');
  },

  "a fork's pull request without secrets is skipped"() {
    const event = path.join(import.meta.dirname, 'events/fork.json');
    const args = ['--event', 'pull_request', '--event-file', event, '--github', 'ref=refs/pull/42/merge'];
    const { exit, step } = ours('fork', { args });
    assert.equal(exit, 0);
    outputs(step('finish'), { status: 'skipped', 'skipped-reason': 'fork', changed: 'false', 'error-code': '' });
  },

  'a pipeline that waits, and a callback of another one'() {
    const { exit, step, log } = ours('waiting');
    assert.equal(exit, 0);
    outputs(step('finish'), { status: 'action_required', changed: 'false', 'error-code': 'needs-browser' });
    assert.match(step('finish').outputs['redirect-url'], /^https:\/\/gitlab\.example\.com\/oauth\/authorize\?client_id=/);
    assert.equal(step('finish').inner.at(-1).exitCode, 0, 'it is tolerated');
    outputs(step('resume'), { status: 'error', 'error-code': 'wrong-oauth-state' });
    assert.equal(step('resume').inner.at(-1).exitCode, 4);
    assert.ok(!/s3cr3t-key|s3cr3t-code/.test(log), 'a secret is in the log');
  },

  'hostile values plant no command and no output'() {
    const { exit, step } = ours('hostile');
    assert.equal(exit, 0);
    const { annotations, inner } = step('finish');
    assert.deepEqual(annotations, []);
    outputs(step('finish'), { status: 'complete', 'error-code': '' });
    const names = Object.keys(step('finish').outputs);
    assert.deepEqual(Object.keys(inner.at(-1).outputs).sort(), names.sort());
  },

  'the archive is downloaded once, then it is in the tool cache'() {
    const { exit, step } = ours('cached');
    assert.equal(exit, 0);
    outputs(step('second'), { status: 'complete' });
  },

  'an archive that is not the released one is not run'() {
    const from = releases();
    fs.appendFileSync(path.join(from, `v${version}`, archive), 'x');
    const { step } = ours('failing', { from });
    const [error] = errors(step('finish'));
    assert.equal(error.title, 'finishline: install');
    assert.match(error.message, /does not match the released archive\nits SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}/);
    assert.equal(step('finish').inner.at(-1).outcome, 'skipped');
  },

  'a machine that nothing was released for is told so'() {
    const { step } = ours('failing', { workspace: checkout(sums.replace(/x86_64|aarch64/, 'riscv64')) });
    assert.match(errors(step('finish'))[0].message, /was not released for/);
  },

  'a release that cannot be fetched names the address and the mirror'() {
    const from = releases();
    fs.rmSync(path.join(from, `v${version}`), { recursive: true });
    const { step } = ours('failing', { from });
    assert.match(errors(step('finish'))[0].message, /cannot download file:.*\n.*FINISHLINE_RELEASES/);
  },

  async 'a server that has the action from another one, with a login page for its releases'() {
    const url = await server(releases());
    const workspace = checkout(sums);
    named(workspace, `${url}/makers/finishline`);
    const args = ['--github', `server_url=${url}`, '--github', 'action_repository=copies/finishline'];
    const options = { workspace, args, env: { FINISHLINE_RELEASES: '' } };
    finished(ours('with', options));
    named(workspace, `${url}/copies/finishline`);
    const { step } = ours('failing', options);
    assert.match(errors(step('finish'))[0].message, /\/copies\/finishline\/.*: a login page answered/);
  },

  'a mirror by the input, and what the job sets for bash, changes nothing'() {
    const from = releases();
    const hook = path.join(temp, 'hook');
    fs.writeFileSync(hook, `touch '${temp}/ran'\nsha256sum() { echo planted; }\n`);
    const env = { FINISHLINE_RELEASES: 'file:///nowhere', BASH_ENV: hook };
    const { exit, step } = ours('mirror', { from, env, args: ['--var', `MIRROR=file://${from}`] });
    assert.equal(exit, 0);
    outputs(step('finish'), { status: 'complete' });
    assert.ok(!fs.existsSync(`${temp}/ran`), "the job's own start of bash was run");
  },

  'the token of github.com is there for `gh`, which refuses the archive, and of no other server'() {
    const workspace = checkout(sums);
    named(workspace, 'https://github.com/makers/finishline');
    const folder = fs.mkdtempSync(path.join(temp, 'gh-'));
    fs.writeFileSync(path.join(folder, 'gh'), '#!/bin/sh\necho "No attestations found, token ${#GH_TOKEN}"\n', { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const refused = ours('failing', { workspace, env });
    assert.match(errors(refused.step('finish'))[0].message, /is not that of a release of makers\/finishline\ngh: .*, token [1-9]/);
    assert.equal(refused.step('finish').inner.at(-1).outcome, 'skipped');
    const { step } = ours('failing', { workspace, env, args: ['--github', 'server_url=https://ghes.example'] });
    outputs(step('finish'), { 'error-code': 'missing-field' });
  },

  'every system and machine takes its own archive'() {
    const names = { Linux: 'unknown-linux-musl', macOS: 'apple-darwin', Windows: 'pc-windows-msvc' };
    const machines = { X64: 'x86_64', ARM64: 'aarch64' };
    for (const [system, name] of Object.entries(names)) {
      for (const [arch, machine] of Object.entries(machines)) {
        const { folder, sum, output } = installed(system, arch, `${machine}-${name}`);
        const program = system === 'Windows' ? 'finishline.exe' : 'finishline';
        const place = `${folder}/tools/finishline/${version}/${machine}-${name}/${sum.slice(0, 16)}`;
        assert.equal(output, `binary=${place}/${program}\n`);
      }
    }
  },

  'another version needs its sum, and runs with it'() {
    const { exit, step } = ours('version', { from: temp, args: ['--var', `OTHER_SUM=${other()}`] });
    assert.equal(exit, 0);
    assert.match(errors(step('unknown'))[0].message, /the SHA-256 sum of finishline 9\.9\.9 is unknown/);
    assert.match(errors(step('injected'))[0].message, /`finishline-version` is not a valid version/);
    outputs(step('finish'), { status: 'complete' });
  },

  'a commit without a release is built by cargo'() {
    const env = { BUILT: path.join(packages, 'bin/finishline') };
    const { exit, step, log } = ours('built', { workspace: checkout(''), env });
    assert.equal(exit, 0);
    outputs(step('finish'), { status: 'complete' });
    assert.match(log, /cargo build --release --locked/);
  },

  'what a build prints is no command'() {
    const { exit, job, step, log } = ours('build', { workspace: checkout('') });
    assert.equal(exit, 0);
    assert.equal(step('finish').outcome, 'failure');
    const [error, ...more] = errors(step('finish'));
    assert.match(error.message, /^cargo cannot build this commit of the action: exit code 101\n/);
    assert.deepEqual(more.map((one) => one.message), ['Process completed with exit code 1.']);
    assert.match(log, /::error::planted/);
    assert.equal(job.steps.at(-1).annotations[0]?.message, 'heard again');
  },

  "README's example for GitHub"() {
    return sentry('readme-token', (url) => {
      const workspace = checkout(sums);
      fs.cpSync(path.join(root, 'tests/conformance/web-app'), workspace, { recursive: true });
      const args = ['--secret', 'SENTRY_AUTH_TOKEN=readme-token', '--var', 'SENTRY_ORG=acme', '--var', 'SENTRY_PROJECT=web', '--github', `sha=${SHA}`];
      const { exit, job, step, log } = run('examples/github.yml', { workspace, env: { SENTRY_URL: url }, args });
      assert.equal(exit, 0, log);
      outputs(step('sentry'), { status: 'complete', changed: 'true', 'sourcemap-count': '1', 'deploy-id': '1' });
      const [deployed, shown] = job.steps.slice(-2).map((one) => one.stdout);
      assert.deepEqual(deployed, ['deployed dist with debug ids']);
      assert.deepEqual(shown, [step('sentry').outputs['release-url']]);
      assert.equal(shown[0], `${url}/organizations/acme/releases/${SHA}/`);
    });
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.message.replace(/^/gm, '        ')}`);
  }
}
fs.rmSync(temp, { recursive: true, force: true });
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
