// What is printed for whom a run waits: at the real Sentry, whose set-up pages know the browser's session
// alone, and on our own engine with the same GitLab, where the command is pasted as it stands.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

const { JUDGE_BINARY, RS_GITLAB_URL, SENTRY_URL } = process.env;

// A manifest of one GitLab group with a repository; the file's name needs quotes in a shell.
function manifest(temp) {
  const state = { url: RS_GITLAB_URL, clientId: 'cid', clientSecret: '${GITLAB_SECRET}', group: `${RS_GITLAB_URL}/groups/acme/` };
  const entry = { provider: 'gitlab', org: 'acme', url: SENTRY_URL, repositories: ['acme/web'], state };
  fs.writeFileSync(path.join(temp, 'two words.yml'), JSON.stringify({ version: 1, integrations: [entry] }));
  return { manifest: 'two words.yml', GITLAB_SECRET: 's3cr3t', org: '', url: '' };
}

// Where GitLab sends the browser of a person who approves.
const approved = (page) => new Promise((resolve, reject) => {
  http.get(page, (answer) => resolve(answer.resume().headers.location)).on('error', reject);
});

export const resume = ({ printed, sentry, temp, reset, approve }) => ({
  async 'a manifest that waits at Sentry\'s page is run again, and links its repositories then'() {
    await reset();
    const waits = await printed(['run'], 3, manifest(temp));
    assert.match(waits, /run this again/);
    assert.doesNotMatch(waits, /finishline resume/);
    await approve();
    await printed(['run'], 0, manifest(temp));
    const { body } = await sentry('GET', 'repos/');
    assert.deepEqual(body.map((repository) => repository.url), [`${RS_GITLAB_URL}/acme/web`]);
  },

  async 'the command that is printed for an entry works as it stands, and links its repositories'() {
    const own = { backend: 'embedded', database: 'own words.db', 'auth-token': '' };
    const waits = await printed(['run'], 3, { ...manifest(temp), ...own });
    const [command] = /finishline resume --.*/.exec(waits);
    assert.match(command, /--entry 'integrations\[0\]'/);
    assert.match(command, /--manifest 'two words\.yml'/);
    const [page] = /http:\S+\/oauth\/authorize\S+/.exec(waits);
    const env = { HOME: temp, PATH: path.dirname(JUDGE_BINARY), GITLAB_SECRET: 's3cr3t' };
    const input = await approved(page);
    const pasted = spawnSync('/bin/sh', ['-c', command], { cwd: temp, env, input, encoding: 'utf8' });
    assert.equal(pasted.status, 0, `${command}\n${pasted.stderr}`);
    assert.match(pasted.stdout, /linked repository acme\/web/);
    assert.doesNotMatch(pasted.stdout + pasted.stderr, /s3cr3t|warning/);
  },
});
