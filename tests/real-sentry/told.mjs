// The program and the real Sentry beside it: what a run tells, and what Sentry lists.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';

const { SENTRY_URL, SENTRY_AUTH_TOKEN, JUDGE_BINARY } = process.env;
const here = import.meta.dirname;
export const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-judge-'));

export const KEY = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;
const isToken = ([name]) => name === 'SENTRY_AUTH_TOKEN' || name.startsWith('RS_TOKEN_');
const tokens = Object.entries(process.env).filter(isToken).map(([, token]) => token);
// What nothing may say: the tokens, and what every secret below contains.
const SECRETS = [...tokens, KEY.split('\n')[1], 's3cr3t'];

const execute = (file, args, options) => new Promise((resolve) => {
  execFile(file, args, options, (error, stdout, stderr) => resolve({ exit: error?.code ?? 0, stdout, stderr }));
});

// One of the scripts beside this one.
export async function script(name, env = {}, words = []) {
  const { exit, stderr } = await execute(path.join(here, name), words, { env: { ...process.env, ...env } });
  assert.equal(exit, 0, `${name}: ${stderr}`);
}

export const reset = () => script('reset.sh');

let runs = 0;

// Runs a command of the program with these inputs and, in capitals, variables of the job.
async function execution(words, inputs, cwd = temp) {
  const where = { url: SENTRY_URL, org: 'acme', 'auth-token': SENTRY_AUTH_TOKEN };
  const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  const named = (name) => (/^[A-Z0-9_]+$/.test(name) ? name : `FINISHLINE_${name.replaceAll('-', '_').toUpperCase()}`);
  const variable = ([name, value]) => [named(name), text(value)];
  const env = { HOME: temp, KEY, ...Object.fromEntries(Object.entries({ ...where, ...inputs }).map(variable)) };
  const ended = await execute(JUDGE_BINARY, words, { cwd, env });
  const said = ended.stdout + ended.stderr;
  assert.ok(SECRETS.every((secret) => !said.includes(secret)), `a secret is in what ${words[0]} says`);
  return ended;
}

// Runs it and gives what it prints; its exit code must be this one.
export async function printed(words, exit, inputs) {
  const ended = await execution(words, inputs);
  assert.equal(ended.exit, exit, ended.stdout + ended.stderr);
  return ended.stdout;
}

// Runs it and gives its exit code, its outputs by name, the hint and the log.
export async function finishline(inputs, command = 'run', cwd = temp) {
  const dotenv = path.join(temp, `${runs += 1}.env`);
  const { exit, stdout, stderr } = await execution([command], { format: 'json', dotenv, ...inputs }, cwd);
  const written = fs.readFileSync(dotenv, 'utf8');
  assert.ok(SECRETS.every((secret) => !written.includes(secret)), `a secret is in what ${command} writes`);
  const lines = written.matchAll(/^FINISHLINE_OUT_(\w+)=(.*)$/gm);
  const outputs = Array.from(lines, ([, name, value]) => [name.toLowerCase().replaceAll('_', '-'), value]);
  return { exit, ...Object.fromEntries(outputs), hint: JSON.parse(stdout).error?.hint ?? '', log: stderr };
}

// Checks some of what a run told, each against a text or a pattern; the rest may be anything.
export function told(run, exit, expected) {
  for (const [name, value] of Object.entries({ exit, ...expected })) {
    const fits = value instanceof RegExp ? value.test(run[name]) : run[name] === value;
    assert.ok(fits, `${name} is ${run[name]}, and should be ${value}:\n${run.log}`);
  }
}

// What Sentry itself answers to the owner, of the organization, of another one and of the project `web`.
export const sentry = (method, where, body) => answer(method, `organizations/acme/${where}`, body);
export const sentryOf = (org) => (method, where, body) => answer(method, path.posix.join('organizations', org, where, '/'), body);
export const project = (method, where) => answer(method, `projects/acme/web/${where}`);

async function answer(method, where, body) {
  const data = body ? ['-H', 'Content-Type: application/json', '-d', JSON.stringify(body)] : [];
  const given = ['-sS', '-X', method, '-H', `Authorization: Bearer ${SENTRY_AUTH_TOKEN}`, '-w', '\n%{http_code}', ...data];
  const { stdout, stderr } = await execute('curl', [...given, `${SENTRY_URL}/api/0/${where}`]);
  assert.equal(stderr, '');
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end)), body: end > 0 ? JSON.parse(stdout.slice(0, end)) : null };
}

export const listed = async (provider) => (await sentry('GET', `integrations/?provider_key=${provider}`)).body;

// The only integration of a provider that Sentry lists; it must be active.
export async function only(provider) {
  const all = await listed(provider);
  assert.equal(all.length, 1, JSON.stringify(all));
  assert.equal(all[0].organizationIntegrationStatus, 'active');
  return all[0];
}

// What a page sends the owner on to.
export async function redirected(where) {
  const given = ['-sS', '-o', '/dev/null', '-w', '%{redirect_url}', '-H', `Authorization: Bearer ${SENTRY_AUTH_TOKEN}`];
  return (await execute('curl', [...given, SENTRY_URL + where])).stdout;
}

// What Sentry signs for its Connect app in Jira; a secret until it is used.
export async function signedForJira() {
  const { exit, stdout, stderr } = await execute(path.join(here, 'jira.sh'), [], { env: process.env });
  assert.equal(exit, 0, stderr);
  return stdout.trim();
}
