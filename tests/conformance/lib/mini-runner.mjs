// A small runner for tests: runs ONE job of a GitHub workflow on the local machine,
// without docker and without the network, with GitHub's own expression evaluator
// (npm @actions/expressions) and the runner's rules for file commands, stdout
// commands, masks, env, PATH, composite actions, step results and job outputs.
// Only `run:` steps and local composite actions (`uses: ./dir`) run; any other
// `uses:` is skipped and said so. Own code, rules from actions/runner 2.336.0.
//
// Setup:  npm i @actions/expressions@0.3.61 yaml@2        (node >= 20)
// Run:    MINI_MODULES=<folder>/node_modules node mini-runner.mjs --workspace DIR --workflow FILE [--job ID]
//           [--event push] [--event-file payload.json] [--github sha=… --github ref=…]
//           [--secret NAME=VALUE] [--var NAME=VALUE] [--input NAME=VALUE] [--env NAME=VALUE] [--report out.json]
// Exit 0 when the job succeeds, 1 when it fails. The masked log goes to stdout.
// Not modelled: containers, services, matrix, pre/post, state, problem matchers, hashFiles,
// encoded forms of masks, timeouts, `defaults:`, reusable workflows.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parse as parseFileCmd, apply as applyFileCmd, parsePathFile } from './runner-filecmd.mjs';
import { parse as parseCommand, REGISTERED } from './workflow-command.mjs';

const req = createRequire(path.join(path.resolve(process.env.MINI_MODULES ?? 'node_modules'), 'x.js'));
const YAML = req('yaml');
const ex = await import(pathToFileURL(path.join(path.resolve(process.env.MINI_MODULES ?? 'node_modules'), '@actions/expressions/dist/index.js')).href);

const opt = { github: {}, secret: {}, var: {}, input: {}, env: {}, event: 'push' };
for (let i = 2; i < process.argv.length; i += 2) {
  const k = process.argv[i].replace(/^--/, ''), v = process.argv[i + 1];
  if (typeof opt[k] === 'object') { const e = v.indexOf('='); opt[k][v.slice(0, e)] = v.slice(e + 1); } else opt[k] = v;
}
const ws = path.resolve(opt.workspace);
const wf = YAML.parse(fs.readFileSync(path.resolve(ws, opt.workflow), 'utf8'));
const jobId = opt.job ?? Object.keys(wf.jobs)[0], job = wf.jobs[jobId];
const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'mini-runner-'));
const cmdDir = path.join(tmp, '_runner_file_commands');
fs.mkdirSync(cmdDir);
const eventPath = path.join(tmp, 'event.json');
fs.writeFileSync(eventPath, opt['event-file'] ? fs.readFileSync(opt['event-file']) : '{}');

const github = {
  actor: 'octocat', actor_id: '1', api_url: 'https://api.github.com', base_ref: '', event_name: opt.event, event_path: eventPath,
  graphql_url: 'https://api.github.com/graphql', head_ref: '', job: jobId, ref: 'refs/heads/main', ref_name: 'main', ref_protected: 'false',
  ref_type: 'branch', repository: 'octo-org/octo-repo', repository_id: '2', repository_owner: 'octo-org', repository_owner_id: '3',
  retention_days: '90', run_attempt: '1', run_id: '1000', run_number: '1', server_url: 'https://github.com', sha: '0'.repeat(40),
  triggering_actor: 'octocat', workflow: wf.name ?? opt.workflow, workflow_ref: `octo-org/octo-repo/${opt.workflow}@refs/heads/main`,
  workflow_sha: '0'.repeat(40), workspace: ws, token: 'mini-token', ...opt.github, event: JSON.parse(fs.readFileSync(eventPath, 'utf8')),
};
const runner = { arch: process.arch === 'arm64' ? 'ARM64' : 'X64', debug: opt.debug ?? '', environment: 'self-hosted', name: 'mini', os: 'Linux', temp: tmp, tool_cache: path.join(tmp, 'tools') };
const ENV_ALLOW = ['action_path', 'action_ref', 'action_repository', 'action', 'actor', 'actor_id', 'api_url', 'base_ref', 'env', 'event_name',
  'event_path', 'graphql_url', 'head_ref', 'job', 'output', 'path', 'ref_name', 'ref_protected', 'ref_type', 'ref', 'repository', 'repository_id',
  'repository_owner', 'repository_owner_id', 'retention_days', 'run_attempt', 'run_id', 'run_number', 'server_url', 'sha', 'state', 'step_summary',
  'triggering_actor', 'workflow', 'workflow_ref', 'workflow_sha', 'workspace'];

// ---- expressions -------------------------------------------------------
const STATUS = ['success', 'failure', 'always', 'cancelled'];
function evaluate(src, ctx, status = 'success') {
  const { tokens } = new ex.Lexer(src).lex();
  const fns = STATUS.map((name) => ({ name, minArgs: 0, maxArgs: 0,
    call: () => new ex.data.BooleanData({ success: status === 'success', failure: status === 'failure', always: true, cancelled: false }[name]) }));
  const tree = new ex.Parser(tokens, Object.keys(ctx), fns).parse();
  const dict = JSON.parse(JSON.stringify(ctx), ex.data.reviver);
  return new ex.Evaluator(tree, dict, new Map(fns.map((f) => [f.name, f]))).evaluate();
}
function split(text) {                                // text -> [literal | {expr}], quotes inside an expression respected
  const parts = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf('${{', at);
    if (open < 0) { parts.push(text.slice(at)); return parts; }
    let i = open + 3, quoted = false;
    for (; i < text.length; i++) {
      if (text[i] === "'") quoted = !quoted;
      else if (!quoted && text.startsWith('}}', i)) break;
    }
    if (i >= text.length) throw new Error('the expression is not closed');
    parts.push(text.slice(at, open), { expr: text.slice(open + 3, i) });
    at = i + 2;
  }
}
const interp = (v, ctx) => v === null || v === undefined ? '' : typeof v !== 'string' ? String(v)
  : split(v).map((p) => typeof p === 'string' ? p : evaluate(p.expr, ctx).coerceString()).join('');
function condition(cond, ctx, status) {
  let src = cond === undefined || cond === null || cond === '' ? 'success()' : String(cond);
  const m = /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(src);
  if (m) src = m[1];
  if (!/\b(success|failure|always|cancelled)\s*\(/i.test(src)) src = `success() && (${src})`;
  const r = evaluate(src, ctx, status);
  const s = r.coerceString();
  return !(s === '' || s === 'false' || s === '0' || s === 'NaN');
}

// ---- log, masks, commands ---------------------------------------------
const masks = new Set(Object.values(opt.secret).filter(Boolean));
const mask = (s) => [...masks].sort((a, b) => b.length - a.length).reduce((t, m) => t.split(m).join('***'), s);
const log = (s) => console.log(mask(s));
function addIssue(top, type, message, props = {}) {
  const m = mask(message).slice(0, 4096);
  top.issueCount[type] = (top.issueCount[type] ?? 0) + 1;
  const shown = top.issueCount[type] <= 10;           // 10 of a kind a step reach GitHub
  top.annotations.push({ type, message: m, shown, ...props });
  log(`##[${type}]${m}`);
}
function lineHandler(step, top) {
  let stopToken = null;
  return (line) => {
    const known = stopToken ? [...REGISTERED, stopToken] : REGISTERED;
    const c = /::|##\[/.test(line) ? parseCommand(line, known) : null;
    if (!c) { step.stdout.push(mask(line)); log(line); return; }
    const name = c.command.toLowerCase();
    if (stopToken) {
      if (name === stopToken.toLowerCase()) stopToken = null;
      else { step.stdout.push(mask(line)); }
      log(line);
      return;
    }
    switch (name) {
      case 'stop-commands':
        if (!c.data || REGISTERED.includes(c.data) || c.data.toLowerCase() === 'pause-logging') { addIssue(top, 'error', `Unable to process command '${line}' successfully.`); step.commandFailed = true; break; }
        stopToken = c.data; if (c.data.length > 6) masks.add(c.data); log(line); break;
      case 'error': case 'warning': case 'notice': addIssue(top, name, c.data, c.properties); break;
      case 'add-mask':
        if (!c.data.trim()) { addIssue(top, 'warning', "Can't add secret mask for empty string in ##[add-mask] command."); break; }
        masks.add(c.data);
        for (const l of c.data.split(/[\r\n]/).map((x) => x.trim()).filter(Boolean)) masks.add(l);
        break;
      case 'debug': if (runner.debug) log(`##[debug]${c.data}`); break;
      case 'group': case 'endgroup': log(`##[${name}]${name === 'group' ? c.data : ''}`); break;
      case 'set-output': if (c.properties.name) step.outputs[c.properties.name] = c.data; else { step.commandFailed = true; addIssue(top, 'error', 'set-output has no name'); } break;
      case 'set-env': case 'add-path': addIssue(top, 'error', `Unable to process command '${line}' successfully.`); addIssue(top, 'error', `The \`${name}\` command is disabled.`); step.commandFailed = true; break;
      default: log(line);
    }
  };
}
function exec(file, args, env, cwd, onLine) {
  return new Promise((resolve) => {
    const p = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const s of [p.stdout, p.stderr]) {           // both streams carry commands; CR, LF and CRLF end a line
      let buf = '';
      s.setEncoding('utf8');
      s.on('data', (d) => {
        buf += d;
        const held = buf.endsWith('\r') ? '\r' : '';
        const lines = buf.slice(0, buf.length - held.length).split(/\r\n|\n|\r/);
        buf = lines.pop() + held;
        for (const l of lines) onLine(l);
      });
      s.on('end', () => { if (buf) onLine(buf.replace(/\r$/, '')); });
    }
    p.on('error', (e) => { onLine(String(e)); resolve(127); });
    p.on('close', (code) => resolve(code ?? 1));
  });
}

// ---- job state ---------------------------------------------------------
const globalEnv = { ...opt.env };
const prependPath = [];
const report = { job: jobId, steps: [], outputs: {}, result: null };
const scopes = new Map();
const scopeOf = (s) => { if (!scopes.has(s)) scopes.set(s, {}); return scopes.get(s); };

async function runStep(def, n, { scope, inputs, baseEnv, gh, top, status, label }) {
  const id = def.id ?? `__${n}`;
  const step = { id, name: def.name ?? def.uses ?? String(def.run ?? '').split('\n')[0], outputs: {}, stdout: [], annotations: [], issueCount: {}, exitCode: null, summary: null };
  top ??= step;
  const ctx = { github: { ...gh, action: id }, runner, secrets: scope === '' ? { ...opt.secret, GITHUB_TOKEN: github.token } : {}, vars: opt.var, inputs, env: { ...globalEnv, ...baseEnv },
    steps: scopeOf(scope), job: { status }, needs: {}, matrix: {}, strategy: {} };
  if (scope !== '') delete ctx.secrets;               // a composite action cannot see secrets
  let outcome = 'success';
  const fail = (msg) => { outcome = 'failure'; if (msg) addIssue(top, 'error', msg); };
  try {
    if (!condition(def.if, ctx, status)) outcome = 'skipped';
    else {
      const stepEnv = Object.fromEntries(Object.entries(def.env ?? {}).map(([k, v]) => [k, interp(v, ctx)]));
      ctx.env = { ...ctx.env, ...stepEnv };
      if (def.run !== undefined) {
        if (scope !== '' && !def.shell) throw new Error('Required property is missing: shell');
        ctx.github.action_ref = ''; ctx.github.action_repository = '';   // known gap of the real runner: empty in run, set in env
        const script = interp(def.run, ctx);
        log(`##[group]Run ${script.split('\n')[0]}`); log('##[endgroup]');
        const uuid = randomUUID(), f = {};
        for (const [k, pre] of [['output', 'set_output_'], ['env', 'set_env_'], ['path', 'add_path_'], ['state', 'save_state_'], ['step_summary', 'step_summary_']]) {
          f[k] = path.join(cmdDir, pre + uuid); fs.writeFileSync(f[k], ''); ctx.github[k] = f[k];
        }
        const env = { HOME: process.env.HOME, LANG: 'C.UTF-8', CI: 'true', GITHUB_ACTIONS: 'true', ...ctx.env };
        env.PATH = [...[...prependPath].reverse(), env.PATH ?? process.env.PATH].join(':');
        for (const k of ENV_ALLOW) if (ctx.github[k] !== undefined) env[`GITHUB_${k.toUpperCase()}`] = String(ctx.github[k]);
        for (const [k, v] of Object.entries(runner)) if (v) env[`RUNNER_${k.toUpperCase()}`] = v;
        const sh = path.join(tmp, `${uuid}.sh`);
        fs.writeFileSync(sh, script);
        const shell = def.shell ?? '';
        const [file, args] = shell === '' ? ['bash', ['-e', sh]] : shell === 'bash' ? ['bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', sh]]
          : shell === 'sh' ? ['sh', ['-e', sh]] : [shell.split(' ')[0], shell.split(' ').slice(1).map((a) => a.replace('{0}', sh))];
        const cwd = path.join(ws, interp(def['working-directory'] ?? '', ctx));
        step.exitCode = await exec(file, args, env, cwd, lineHandler(step, top));
        if (step.exitCode !== 0) fail(`Process completed with exit code ${step.exitCode}.`);
        for (const kind of ['output', 'env']) {       // read even when the script failed
          if (!fs.existsSync(f[kind])) continue;
          const parsed = parseFileCmd(fs.readFileSync(f[kind]));
          const { values, failed, refused } = applyFileCmd(kind, parsed);
          if (kind === 'env') Object.assign(globalEnv, values); else if (def.id) Object.assign(step.outputs, values);
          for (const r of refused) addIssue(top, 'error', `Can't store ${r} output parameter using '$GITHUB_ENV' command.`);
          if (failed) { fail(`Unable to process file command '${kind}' successfully.`); addIssue(top, 'error', parsed.error ?? 'Value cannot be null. (Parameter \'name\')'); }
        }
        if (fs.existsSync(f.path)) for (const l of parsePathFile(fs.readFileSync(f.path))) { const i = prependPath.indexOf(l); if (i >= 0) prependPath.splice(i, 1); prependPath.push(l); }
        if (fs.existsSync(f.step_summary)) {
          const size = fs.statSync(f.step_summary).size;
          if (size > 1048576) addIssue(top, 'error', `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got ${Math.floor(size / 1024)}k.`);
          else if (size > 0) step.summary = mask(fs.readFileSync(f.step_summary, 'utf8'));
        }
        if (step.commandFailed) outcome = 'failure';
      } else if (/^(\.\/|\$\/)|^\.$/.test(def.uses)) {
        const dir = path.resolve(ws, def.uses.replace(/^\$\//, './'));
        const file = ['action.yml', 'action.yaml'].map((x) => path.join(dir, x)).find((x) => fs.existsSync(x));
        if (!file) throw new Error(`Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '${dir}'.`);
        const action = YAML.parse(fs.readFileSync(file, 'utf8'));
        if (action.runs?.using !== 'composite') throw new Error(`mini-runner: runs.using '${action.runs?.using}' is not supported`);
        const given = Object.fromEntries(Object.entries(def.with ?? {}).map(([k, v]) => [k.toLowerCase(), interp(v, ctx)]));
        const valid = Object.keys(action.inputs ?? {});
        const odd = Object.keys(def.with ?? {}).filter((k) => !valid.some((v) => v.toLowerCase() === k.toLowerCase()));
        if (odd.length) addIssue(top, 'warning', `Unexpected input(s) '${odd.join("', '")}', valid inputs are ['${valid.join("', '")}']`);
        const inner = {};
        for (const [k, d] of Object.entries(action.inputs ?? {})) inner[k] = given[k.toLowerCase()] ?? interp(d?.default, ctx);   // required: is not enforced
        const child = `${scope ? scope + '.' : ''}${id}`;
        scopes.set(child, {});
        let st = 'success', i = 0;
        for (const s of action.runs.steps) {
          const r = await runStep(s, i++, { scope: child, inputs: inner, baseEnv: { ...baseEnv, ...stepEnv }, gh: { ...ctx.github, action_path: dir }, top, status: st, label: `${label}${i}.` });
          if (r.conclusion === 'failure') { st = 'failure'; outcome = 'failure'; }
          (step.inner ??= []).push(r);
        }
        const octx = { ...ctx, inputs: inner, steps: scopeOf(child) };
        for (const [k, d] of Object.entries(action.outputs ?? {})) step.outputs[k] = interp(d?.value, octx);
      } else { step.note = `mini-runner: '${def.uses}' is not run`; outcome = 'skipped'; log(step.note); }
    }
  } catch (e) { fail(e.message); }
  step.outcome = outcome;
  step.conclusion = outcome === 'failure' && (def['continue-on-error'] === true || def['continue-on-error'] === 'true') ? 'success' : outcome;
  if (def.id) scopeOf(scope)[def.id] = { outputs: step.outputs, outcome: step.outcome, conclusion: step.conclusion };
  delete step.issueCount;
  return step;
}

let status = 'success', n = 0;
const ctx0 = { github, runner, secrets: opt.secret, vars: opt.var, inputs: opt.input, env: {}, needs: {}, matrix: {}, strategy: {} };
for (const e of [wf.env, job.env]) for (const [k, v] of Object.entries(e ?? {})) globalEnv[k] = interp(v, { ...ctx0, env: globalEnv });
for (const def of job.steps) {
  const s = await runStep(def, n++, { scope: '', inputs: opt.input, baseEnv: {}, gh: github, status, label: `${n}.` });
  if (s.conclusion === 'failure') status = 'failure';
  report.steps.push(s);
}
for (const [k, v] of Object.entries(job.outputs ?? {})) {
  const val = interp(v, { ...ctx0, env: globalEnv, steps: scopeOf(''), job: { status } });
  if (val === '') continue;                            // empty: not set at all
  if (mask(val) !== val) { log(`##[warning]Skip output '${k}' since it may contain secret.`); continue; }
  report.outputs[k] = val;
}
if (job.environment?.url) {
  const url = interp(job.environment.url, { ...ctx0, env: globalEnv, steps: scopeOf(''), job: { status } });
  report.environmentUrl = mask(url) === url ? url : null;
}
report.result = status;
report.env = globalEnv;
report.path = [...prependPath].reverse();
if (opt.report) fs.writeFileSync(opt.report, JSON.stringify(report, null, 2));
fs.rmSync(tmp, { recursive: true, force: true });
log(`Job result: ${status}`);
process.exit(status === 'success' ? 0 : 1);
