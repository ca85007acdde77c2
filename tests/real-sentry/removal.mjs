// What ends at the real Sentry: an integration, and what is linked through one.
import assert from 'node:assert/strict';

const { RS_TOKEN_READ, RS_TOKEN_ORG, RS_TOKEN_INTEGRATIONS } = process.env;

const example = (more, command) => (run) => run({ provider: 'example', state: { name: 'leaving' }, ...more }, command);
const scm = { provider: 'custom_scm', state: { name: 'forge', url: 'https://forge.example.test' } };

export const removal = ({ finishline, told, sentry, listed }) => ({
  async '`mode: remove` marks an integration for deletion, once, and says so the second time'() {
    told(await example()(finishline), 0, { status: 'complete', changed: 'true' });
    const [{ id }] = (await listed('example')).filter((one) => one.name === 'leaving');
    told(await example({ mode: 'remove' }, 'plan')(finishline), 0, { status: 'planned', 'integration-id': id });
    for (const [token, code, hint] of [[RS_TOKEN_READ, 'missing-scope', /org:admin or org:integrations/], [RS_TOKEN_ORG, 'org-token', /pipeline-token/]]) {
      told(await example({ mode: 'remove', 'auth-token': token })(finishline), 5, { 'error-code': code, hint });
    }
    const remove = example({ mode: 'remove', 'auth-token': RS_TOKEN_INTEGRATIONS });
    told(await remove(finishline), 0, { changed: 'true', 'integration-id': id, 'redirect-url': '' });
    const gone = (await listed('example')).find((one) => one.id === id);
    assert.equal(gone?.organizationIntegrationStatus ?? 'pending_deletion', 'pending_deletion');
    told(await remove(finishline), 0, { status: 'complete', changed: 'false' });
    // This Sentry does not bring it back while it waits; it must not be called installed.
    told(await example()(finishline), gone ? 4 : 0, gone ? { 'error-code': 'refused', changed: 'false' } : {});
  },

  async 'repositories and code mappings that are to be gone go, and code mappings alone come back'() {
    const mapping = { project: 'web', repository: 'acme/leaving', stackRoot: 'leaving/', sourceRoot: 'src/' };
    const linked = { ...scm, repositories: 'acme/leaving,acme/stays', 'code-mappings': [mapping] };
    told(await finishline(linked), 0, { changed: 'true', warnings: '' });
    const roots = async () => (await sentry('GET', 'code-mappings/')).body.filter((one) => one.stackRoot === 'leaving/');
    const names = async () => (await sentry('GET', 'repos/')).body.map((one) => one.name).filter((name) => /leaving|stays/.test(name));
    assert.deepEqual([(await roots()).length, await names()], [1, ['acme/leaving', 'acme/stays']]);
    const unmapped = { ...scm, 'code-mappings-absent': [{ project: 'web', stackRoot: 'leaving/' }] };
    told(await finishline(unmapped), 0, { changed: 'true', warnings: '' });
    told(await finishline(unmapped), 0, { changed: 'false' });
    assert.deepEqual(await roots(), []);
    const alone = { provider: 'custom_scm', mode: 'link', 'code-mappings': [mapping] };
    told(await finishline(alone), 0, { changed: 'true', warnings: '' });
    told(await finishline(alone), 0, { changed: 'false', warnings: '' });
    told(await finishline({ ...scm, 'repositories-absent': 'acme/leaving' }), 0, { changed: 'true', warnings: '' });
    assert.deepEqual(await names(), ['acme/stays']);
  },
});
