// The release job at the real Sentry. `judge.mjs` runs these checks while its GitLab repository is
// linked: Sentry calls it `Acme Inc / Web`, and fetches its two commits from the stand-in.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';

const { RS_TOKEN_ORG, RS_TOKEN_READ, RS_TOKEN_RELEASES, JUDGE_WEB_LOG } = process.env;

const HEAD = 'b'.repeat(40);
const REQUEST = /"([A-Z]+) \/api\/0\/organizations\/acme\/(\S*) HTTP\/1.1" (\d+) .*"finishline\//;

// The requests of ours that the server has logged since this many bytes.
function requests(since) {
  const log = fs.readFileSync(JUDGE_WEB_LOG, 'utf8').slice(since);
  return log.split('\n').map((line) => REQUEST.exec(line)).filter(Boolean).map(([, ...parts]) => parts.join(' '));
}

// The length of the log. A request is logged after its answer is sent: one of our own is asked, whose
// line comes behind all that are answered by now.
let marks = 0;
async function logged(sentry) {
  const mark = `projects/?query=mark-${marks += 1}`;
  await sentry('GET', mark);
  for (;;) {
    const log = fs.readFileSync(JUDGE_WEB_LOG, 'utf8');
    if (log.includes(`${mark} HTTP`)) return log.length;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

// Runs the release job, and says which requests it took.
function releasing({ finishline, sentry, temp }) {
  let number = 0;
  return async (version, { cwd: checkout, ...inputs }, command) => {
    const since = await logged(sentry);
    const cwd = path.join(temp, `checkout-${number += 1}`);
    fs.mkdirSync(cwd);
    const all = { release: version, projects: 'web', environment: 'production', ...inputs };
    const run = await finishline(all, command, checkout ?? cwd);
    await logged(sentry);
    return { ...run, requests: requests(since) };
  };
}

// A GitLab job of this pipeline.
const job = (pipeline) => ({
  GITLAB_CI: 'true', CI_PROJECT_PATH: 'acme/web', CI_COMMIT_SHA: HEAD,
  CI_PIPELINE_URL: `https://gitlab.example.test/acme/web/-/pipelines/${pipeline}`,
});

// A checkout of this many commits, one with a bad author, one with a long path.
function checkout(folder, commits) {
  const git = (args, options) => execFileSync('git', args, { cwd: folder, encoding: 'utf8', ...options }).trim();
  fs.mkdirSync(folder);
  git(['init', '-q', '-b', 'main', '.']);
  const one = (number) => {
    const author = number === 2 ? `${'a'.repeat(90)}@example.test` : 'ada@example.test';
    const file = number === 3 ? `${'d'.repeat(150)}/${'f'.repeat(150)}` : `file${number % 20}`;
    const message = number === 4 ? 'm'.repeat(200_000) : `commit ${number}`;
    const time = `${1_700_000_000 + number} +0000`;
    return `commit refs/heads/main\nauthor Ada <${author}> ${time}\ncommitter Ada <ada@example.test> ${time}\n`
      + `data ${message.length}\n${message}\nM 100644 inline ${file}\ndata 1\nx\n`;
  };
  const numbers = Array.from({ length: commits }, (_, index) => index + 1);
  git(['fast-import', '--quiet'], { input: numbers.map(one).join('') });
  git(['reset', '-q', '--hard', 'main']);
  return git(['rev-list', '--max-parents=0', 'main']);
}

export function releases(tools) {
  const { told, sentry, temp } = tools;
  const release = releasing(tools);
  const deploys = async (version) => (await sentry('GET', `releases/${version}/deploys/`)).body;
  const refs = { ...job(1), commits: `Acme Inc / Web@${HEAD}` };

  return {
    async 'a new release with refs and a deploy takes two requests, and Sentry fetches the commits'() {
      const run = await release('r1', refs);
      assert.deepEqual(run.requests, ['POST releases/ 201', 'POST releases/r1/deploys/ 201']);
      told(run, 0, { status: 'complete', changed: 'true', release: 'r1', warnings: '', 'release-url': /\/organizations\/acme\/releases\/r1\/$/ });
      const { body } = await sentry('GET', 'releases/r1/');
      assert.ok(body.dateReleased && body.ref === HEAD && body.lastDeploy.id === run['deploy-id']);
      told(await release('r1', { ...refs, 'wait-for-commits': 'true' }), 0, { changed: 'false', 'commit-count': '2' });
    },

    async 'a retried job makes no second deploy and no second release'() {
      const again = await release('r1', refs);
      told(again, 0, { status: 'complete', changed: 'false', 'error-code': '' });
      assert.equal((await deploys('r1')).length, 1);
      assert.ok(again.requests.length <= 3, again.requests.join('\n'));
    },

    async 'an old job that is run again after a newer deploy deploys again'() {
      told(await release('r2', { ...refs, ...job(2) }), 0, { changed: 'true' });
      told(await release('r1', refs), 0, { changed: 'true' });
      assert.equal((await deploys('r1')).length, 2);
      told(await release('r1', refs), 0, { changed: 'false' });
    },

    async 'a GitLab\'s display name is found by the address of the repository'() {
      told(await release('r3', { ...job(3), 'wait-for-commits': 'true' }), 0, {
        status: 'complete', warnings: '', 'commit-count': '2', log: /repository found under another name/,
      });
    },

    async 'an unknown repository ends finalized and deployed, warned, in at most five requests'() {
      const inputs = { ...job(4), CI_PROJECT_PATH: 'acme/unheard-of' };
      const run = await release('r4', inputs);
      told(run, 0, { status: 'complete', changed: 'true', warnings: 'repository-unknown,no-commits' });
      assert.ok(run.requests.length <= 5, run.requests.join('\n'));
      const { body } = await sentry('GET', 'releases/r4/');
      assert.ok(body.dateReleased && body.deployCount === 1);
      told(await release('r4', inputs), 0, { changed: 'false', 'deploy-id': run['deploy-id'] });
    },

    async 'the checkout\'s commits arrive whole but for a bad author'() {
      const cwd = path.join(temp, 'history');
      const previous = checkout(cwd, 400);
      const run = await release('r5', { cwd, commits: 'local', 'previous-commit': previous });
      told(run, 0, { status: 'complete', warnings: 'author-left-out,message-cut', 'commit-count': '399' });
      const { body } = await sentry('GET', 'releases/r5/');
      assert.deepEqual([body.commitCount, body.lastCommit.message], [399, 'commit 400']);
      const files = (await sentry('GET', 'releases/r5/commitfiles/')).body;
      assert.ok(files.some((file) => file.filename.length === 301));
    },

    async 'a release before is looked up, and one that is made again keeps its commits'() {
      const cwd = path.join(temp, 'history');
      const commit = (message) => execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', 'commit', '-q', '--allow-empty', '-m', message], { cwd });
      for (const [count, message] of [['1', 'one more'], ['2', 'another']]) {
        commit(message);
        told(await release('r6', { cwd, commits: 'local', 'previous-commit': 'lookup' }), 0, { 'commit-count': count, changed: 'true' });
      }
      const { body } = await sentry('GET', 'releases/r6/commits/');
      assert.deepEqual(body.map(({ message, author }) => [message.trim(), author.email]), [
        ['another', 'ada@example.test'], ['one more', 'ada@example.test'],
      ]);
    },

    async 'the parts of a monorepo are put together'() {
      const cwd = path.join(temp, 'history');
      const git = (...args) => execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', ...args], { cwd });
      for (const service of ['web', 'api']) {
        fs.mkdirSync(path.join(cwd, service));
        fs.writeFileSync(path.join(cwd, service, 'a'), service);
        git('add', service);
        git('commit', '-q', '-m', `of ${service}`);
      }
      for (const [paths, count, changed] of [['web', '1', 'true'], ['api', '2', 'true'], ['web', '2', 'false']]) {
        const inputs = { cwd, commits: 'local', 'previous-commit': 'lookup', paths, deploy: 'false', environment: '' };
        told(await release('r9', inputs), 0, { 'commit-count': count, changed });
      }
      const { body } = await sentry('GET', 'releases/r9/commits/');
      assert.deepEqual(body.map(({ message }) => message.trim()).sort(), ['of api', 'of web']);
    },

    async 'names that Sentry refuses are refused before it is asked'() {
      for (const name of ['latest', 'a/b', 'x'.repeat(201)]) {
        const run = await release(name, { commits: 'none' });
        told(run, 2, { 'error-code': 'bad-release' });
        assert.deepEqual(run.requests, []);
        assert.equal((await sentry('POST', 'releases/', { version: name, projects: ['web'] })).status, 400);
      }
    },

    async 'a wrong project, a token without the scope and a narrow token are told apart'() {
      told(await release('r7', { projects: 'nope' }), 2, { 'error-code': 'bad-field', 'error-status': '400', hint: /`projects`/ });
      const scopeless = { 'auth-token': RS_TOKEN_READ, commits: 'none' };
      told(await release('r7', scopeless), 5, { 'error-code': 'missing-scope', 'error-status': '403', hint: /project:releases/ });
      for (const token of [RS_TOKEN_ORG, RS_TOKEN_RELEASES]) {
        told(await release('r7', { 'auth-token': token, commits: 'none' }), 0, { status: 'complete', release: 'r7' });
      }
    },

    async '`plan` of a release changes nothing'() {
      const run = await release('r8', { commits: 'none' }, 'plan');
      told(run, 0, { status: 'planned', changed: 'false', release: '' });
      assert.equal((await sentry('GET', 'releases/r8/')).status, 404);
    },
  };
}
