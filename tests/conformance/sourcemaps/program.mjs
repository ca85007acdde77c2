// Runs the program under test against sentry_backend.py, and gets the bundle that arrived.
import fs from 'node:fs';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openBundle } from './bundle.mjs';

const BACKEND = fileURLToPath(new URL('../lib/sentry_backend.py', import.meta.url));
const START_TRIES = 200;

export async function startUploads(program, work) {
  const [bundles, portFile, token] = ['bundles', 'port', 'token'].map((name) => path.join(work, name));
  fs.rmSync(work, { recursive: true, force: true });
  fs.mkdirSync(work, { recursive: true });
  fs.writeFileSync(token, 'a-token\n');
  const backend = spawn('python3', [BACKEND, '--port', '0', '--port-file', portFile, '--bundles', bundles], { stdio: 'ignore' });
  process.on('exit', () => backend.kill());
  for (let tries = 0; !fs.existsSync(portFile) || fs.readFileSync(portFile, 'utf8') === ''; tries++) {
    if (tries === START_TRIES) throw new Error('sentry_backend.py did not start');
    await setTimeout(50);
  }
  const url = `http://127.0.0.1:${fs.readFileSync(portFile, 'utf8')}/`;
  // No variable of this machine may choose an input, and none of its CI's files may be written.
  const env = { PATH: process.env.PATH, HOME: work, TMPDIR: process.env.TMPDIR ?? '/tmp' };
  const flags = ['--backend', 'sentry', '--url', url, '--auth-token-file', token, '--org', 'acme', '--projects', 'web'];

  // Runs `finishline sourcemaps` and gives its exit code, what it said, and the bundle, if one arrived.
  async function upload(cwd, args) {
    await fetch(`${url}__ctl/reset`, { method: 'POST' });
    const child = spawnSync(program, ['sourcemaps', ...flags, ...args], { cwd, env, encoding: 'utf8', maxBuffer: 1 << 26 });
    if (child.error) throw child.error;
    const arrived = await (await fetch(`${url}__ctl/bundles`)).json();
    const bytes = arrived.length ? fs.readFileSync(path.join(bundles, `${arrived.at(-1).checksum}.zip`)) : undefined;
    const bundle = bytes && openBundle(bytes);
    return { status: child.status, said: child.stdout + child.stderr, bytes, bundle };
  }
  return { upload, stop: () => backend.kill() };
}
