// GitHub's API by Prism, and before it a server that has GitHub's pages besides: what the program
// asks must fit GitHub's document, and what it makes of the examples there must be right.
// `github.sh` starts this.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';

const { GITHUB_PRISM, GITHUB_DOCUMENTS, GITHUB_BINARY } = process.env;
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-github-'));
const KEY = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;

// The endpoints that are asked, out of GitHub's document: the whole of it takes Prism a minute.
const PATHS = ['/user', '/user/memberships/orgs', '/user/installations', '/app/installations/{installation_id}'];

function document(name) {
  const whole = JSON.parse(fs.readFileSync(path.join(GITHUB_DOCUMENTS, `${name}.json`), 'utf8'));
  whole.paths = Object.fromEntries(PATHS.map((one) => [one, { get: whole.paths[one].get }]));
  whole.servers = [{ url: '/' }];
  const file = path.join(temp, `${name}.json`);
  fs.writeFileSync(file, JSON.stringify(whole));
  return file;
}

const listening = (server) => new Promise((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(server.address().port));
});

// Prism takes a port that it is given, so one that was free just now.
async function free() {
  const server = http.createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function prism(name) {
  const port = await free();
  const started = spawn(GITHUB_PRISM, ['mock', document(name), '--errors', '--port', String(port)]);
  await new Promise((resolve, reject) => {
    let said = '';
    started.stdout.on('data', (text) => {
      said += text;
      if (said.includes('Prism is listening')) resolve();
    });
    started.on('exit', () => reject(new Error(`Prism ended: ${said}`)));
  });
  return { port, started };
}

// What was asked of the API, with the status of its answer; the pages are answered here.
const asked = [];

function front(port) {
  return http.createServer((request, answer) => {
    if (request.url === '/login/oauth/access_token') {
      answer.setHeader('Content-Type', 'application/json');
      answer.end(JSON.stringify({ access_token: 't', token_type: 'bearer' }));
      return;
    }
    const there = { port, host: '127.0.0.1', path: request.url.replace(/^\/api\/v3/, ''), headers: request.headers };
    http.get(there, (reply) => {
      asked.push(`${reply.statusCode} ${there.path.split('?')[0]}`);
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
  });
}

function run(command, inputs) {
  const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  const variable = ([name, value]) => [`FINISHLINE_${name.replaceAll('-', '_').toUpperCase()}`, text(value)];
  const all = { backend: 'embedded', org: 'acme', format: 'json', database: path.join(temp, 'f.db'), ...inputs };
  const env = { HOME: temp, KEY, ...Object.fromEntries(Object.entries(all).map(variable)) };
  return new Promise((resolve) => {
    execFile(GITHUB_BINARY, [command], { cwd: temp, env }, (error, stdout, stderr) => {
      const result = JSON.parse(stdout || 'null');
      resolve({ exit: error?.code ?? 0, ...result, log: stderr });
    });
  });
}

// Runs, approves on each page, and goes on.
async function finish(inputs, visits) {
  let ended = await run('run', inputs);
  for (const visit of visits) {
    assert.equal(ended.exit, 3, ended.log + JSON.stringify(ended));
    const page = new URL(ended.redirect_url);
    const home = page.searchParams.get('redirect_uri') ?? `http://127.0.0.1:9797/extensions/${inputs.provider}/setup/`;
    const state = page.searchParams.get('state');
    const query = new URLSearchParams({ ...visit, ...(state ? { state } : {}) });
    ended = await run('resume', { ...inputs, 'callback-url': `${home}?${query}` });
  }
  return ended;
}

const ASKED = ['/user', '/user/memberships/orgs', '/user/installations', '/app/installations/1'];

async function check(provider, name, inputs, visits, expected) {
  const { port, started } = await prism(name);
  const server = front(port);
  const url = `http://127.0.0.1:${await listening(server)}`;
  asked.length = 0;
  try {
    const ended = await finish({ provider, ...inputs(url) }, visits);
    assert.equal(ended.exit, expected.exit, `${ended.log}${JSON.stringify(ended)}\n${asked.join('\n')}`);
    assert.deepEqual(asked.map((one) => one.split(' ')[0]), asked.map(() => '200'), asked.join('\n'));
    assert.deepEqual(asked.map((one) => one.split(' ')[1]).sort(), [...expected.asked].sort());
    console.log(`ok      ${provider} asks what ${name}'s document has`);
  } finally {
    server.close();
    started.removeAllListeners('exit');
    started.kill();
  }
}

const app = (url) => ({ appId: '1', name: 'app', privateKey: '${KEY}', clientId: 'c', clientSecret: 's', apiUrl: `${url}/api/v3` });
const github = (url) => ({ apps: { github: app(url) }, state: { chosenInstallationId: '1' } });
await check('github', 'api.github.com', github, [{ code: 'c0de' }], { exit: 0, asked: ASKED });

// The account of the examples is one of github.com, so the last look finds another host than ours.
const enterprise = (url) => ({
  state: {
    url, id: '1', name: 'app', webhookSecret: 'w', privateKey: '${KEY}', clientId: 'c', clientSecret: 's',
    installationId: '1',
  },
});
const ours = ASKED.filter((one) => one !== '/user/memberships/orgs');
await check('github_enterprise', 'ghes-3.19', enterprise, [{ code: 'c0de' }], { exit: 4, asked: ours });
fs.rmSync(temp, { recursive: true, force: true });
