// A running `serve` with something to show, a GitLab beside it, and the place that `next` names.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';

const here = import.meta.dirname;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-pages-'));
const database = path.join(folder, 'finishline.db');
const children = [];

const port = () => new Promise((resolve) => {
  const server = http.createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// Starts a program; resolves when `ready` finds in what it says what it looks for.
const start = (program, args, ready) => new Promise((resolve, reject) => {
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  const hear = (data) => {
    said += data;
    const found = ready(said);
    if (found) resolve(found);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.on('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
});

// Starts `serve` with an organization `acme`; where it is, and the link that signs in once.
export function serve() {
  const args = ['serve', '--listen', '127.0.0.1:0', '--database', database, '--org', 'acme', '--project', 'web'];
  return start(process.env.PAGES_BINARY, args, (said) => {
    const url = /listening on (\S+)/.exec(said)?.[1];
    const link = /sign in with a browser \(the link works once\): (\S+)/.exec(said)?.[1];
    return url && link && { url, link };
  });
}

// Starts the stand-in for a GitLab; where it is.
export async function gitlab() {
  const at = await port();
  const url = `http://127.0.0.1:${at}`;
  const child = spawn('python3', [path.join(here, '../../real-sentry/fake_gitlab.py'), String(at)], { stdio: 'ignore' });
  children.push(child);
  for (let tries = 0; tries < 100; tries += 1) {
    if (await fetch(`${url}/api/v4/user`).then(() => true, () => false)) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the stand-in for a GitLab does not start');
}

// Starts the place that comes next; where it is.
export const elsewhere = () => new Promise((resolve) => {
  const server = http.createServer((_, response) => response.end('<!doctype html><title>Next</title>'));
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
  server.unref();
});

const tokens = () => JSON.parse(fs.readFileSync(`${database}.tokens.json`, 'utf8'));

// The user's own token.
export const token = () => tokens().user;

// Runs the program on the same file.
export function run(args, env = {}) {
  const given = ['run', '--backend', 'embedded', '--database', database, '--org', 'acme', ...args];
  const done = spawnSync(process.env.PAGES_BINARY, given, {
    encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder, ...env },
  });
  if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.stdout}${done.stderr}`);
  return done.stdout;
}

// A request to the API as the user.
export async function ask(site, method, where, body) {
  const headers = { Authorization: `Bearer ${token()}`, 'Content-Type': 'application/json' };
  const url = `${site.url}/api/0/organizations/acme/${where}`;
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
  return response.json();
}

const AUTHORS = ['Ada Lovelace', 'Grace Hopper', 'Mary Jackson'];
const SUBJECTS = [
  'Keep the session of a person who comes back', 'Say which field was wrong', 'Retry what is safe to repeat',
  'Read the release from the tag', 'Show commits without a checkout', 'Write outputs before the job ends',
];
const FILES = ['src/checkout/cart.ts', 'src/checkout/pay.ts', 'src/session.ts', 'docs/pay.md', 'src/old/cart.js'];

function commit(number) {
  return {
    id: number.toString(16).padStart(4, '0').repeat(10),
    repository: 'acme/web',
    message: `${SUBJECTS[number % SUBJECTS.length]}\n\nMore about it.`,
    author_name: AUTHORS[number % AUTHORS.length],
    author_email: `${AUTHORS[number % AUTHORS.length].split(' ')[0].toLowerCase()}@example.test`,
    timestamp: new Date(Date.UTC(2026, 9, 20, 9, 0) + number * 7_000_000).toISOString(),
    patch_set: [{ path: FILES[number % FILES.length], type: 'AMMMD'[number % 5] }],
  };
}

// Fills it: releases with commits and deploys, and a version of hostile text.
export async function fill(site, count) {
  for (let minor = 0; minor < count; minor += 1) {
    const version = `web@2.${minor}.0`;
    const dateReleased = new Date(Date.UTC(2026, 9, 1, 10, 0) + minor * 50_000_000).toISOString();
    const commits = minor === count - 1 ? Array.from({ length: 120 }, (_, at) => commit(at)) : [commit(minor)];
    await ask(site, 'POST', 'releases/', { version, projects: ['web'], commits, ...(minor % 4 ? { dateReleased } : {}) });
  }
  const newest = `releases/${encodeURIComponent(`web@2.${count - 1}.0`)}/deploys/`;
  await ask(site, 'POST', newest, { environment: 'staging', name: 'canary' });
  await ask(site, 'POST', newest, { environment: 'production', url: 'https://ci.example.com/runs/42' });
  await ask(site, 'POST', 'releases/', { version: HOSTILE, projects: ['web'] });
}

export const HOSTILE = '<img src=x onerror=alert(1)>"\'&';

// Ends what was started, and forgets it.
export function stop() {
  for (const child of children) child.removeAllListeners('exit').kill();
  fs.rmSync(folder, { recursive: true, force: true });
}
