// Runs the action as a step of a job, under a runner's rules, and checks what the job sees.
//
// CARGO_TARGET_DIR names the folder that keeps the action's build for all jobs; MINI_MODULES the
// one with the runner's npm packages.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

const root = path.resolve(import.meta.dirname, '../..');
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-conformance-'));

// What cargo needs of this machine; a job gets nothing else of its environment.
const FOR_CARGO = /^(CARGO_|RUSTUP_|SSL_CERT_|(https?|all|no)_proxy$)/i;
const forCargo = Object.entries(process.env).filter(([name]) => FOR_CARGO.test(name));

const SETTINGS = 'http://127.0.0.1:9797/settings/acme/integrations/opsgenie/1/';
const NEXT = '?next=https%3A%2F%2Fexample.com%2Fa+b%3Fc%3Dd%26e%3D%C3%A9';

// Runs the only job of a workflow: how it ended, its report and its log.
function run(workflow, ...args) {
  const report = path.join(temp, 'report.json');
  fs.rmSync(report, { force: true });
  const env = forCargo.flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const runner = path.join(import.meta.dirname, 'mini-runner.mjs');
  const given = [runner, '--workspace', root, '--workflow', workflow, '--report', report, ...env, ...args];
  const done = spawnSync(process.execPath, given, { cwd: temp, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const log = done.stdout + done.stderr;
  if (!fs.existsSync(report)) throw new Error(`the runner broke:\n${log}`);
  const job = JSON.parse(fs.readFileSync(report, 'utf8'));
  const step = (id) => job.steps.find((one) => one.id === id);
  return { exit: done.status, job, step, log };
}

const ours = (name) => run(`tests/conformance/workflows/${name}.yml`);
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
    const given = ['--event', 'pull_request', '--event-file', event, '--github', 'ref=refs/pull/42/merge'];
    const { exit, step } = run('tests/conformance/workflows/fork.yml', ...given);
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

  'what a build prints is no command'() {
    const { exit, job, step, log } = ours('build');
    assert.equal(exit, 0);
    assert.equal(step('finish').outcome, 'failure');
    assert.deepEqual(errors(step('finish')).map((one) => one.message), ['Process completed with exit code 101.']);
    assert.match(log, /::error::planted/);
    assert.equal(job.steps.at(-1).annotations[0]?.message, 'heard again');
  },

  "README's example for GitHub"() {
    const { exit, job } = run('target/conformance/examples/github.yml', '--secret', 'OPSGENIE_KEY=s3cr3t-key');
    assert.equal(exit, 0);
    assert.deepEqual(job.outputs, { settings: SETTINGS });
    assert.deepEqual(job.steps.at(-1).stdout, [`complete  ${SETTINGS}`]);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    test();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.message.replace(/^/gm, '        ')}`);
  }
}
fs.rmSync(temp, { recursive: true, force: true });
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
