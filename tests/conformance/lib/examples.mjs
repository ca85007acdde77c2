// Writes the documents' examples for GitHub and GitLab into a folder, so that they can be checked and
// run: the action that they name becomes the one in this repository.
//
//   node examples.mjs FOLDER
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');
const folder = process.argv[2];

function example(name, document = 'README.md') {
  const readme = fs.readFileSync(path.join(root, document), 'utf8');
  const found = new RegExp(`<!-- ${name} -->\n\n\`\`\`yaml\n([^]*?)\`\`\`\n\n<!-- /${name} -->`).exec(readme);
  if (!found) throw new Error(`${document} has no example for ${name}`);
  return found[1];
}

function withLocalAction(name, document) {
  const text = example(name, document);
  const local = text.replace(/uses: OWNER\/finishline@\S+/g, 'uses: ./');
  if (local === text) throw new Error(`the example for ${name} does not use the action`);
  return local;
}

fs.mkdirSync(folder, { recursive: true });
fs.writeFileSync(path.join(folder, 'github.yml'), withLocalAction('github'));
fs.writeFileSync(path.join(folder, 'resume.yml'), withLocalAction('resume', 'docs/integrations.md'));
fs.writeFileSync(path.join(folder, 'gitlab.yml'), example('gitlab'));
fs.writeFileSync(path.join(folder, 'gitlab-script.yml'), example('gitlab-script', 'docs/gitlab.md'));
for (const host of ['azure', 'circleci', 'buildkite', 'bitbucket', 'woodpecker']) {
  fs.writeFileSync(path.join(folder, `${host}.yml`), example(host, 'docs/other-ci.md'));
}
