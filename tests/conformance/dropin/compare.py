#!/usr/bin/env python3
"""Runs one drop-in case with a given binary against a mock backend, and says what is the same.

    compare.py --case a07 --bin ./finishline          one case, with its differences
    compare.py --all --bin ./finishline               one line a case, then the sums
    compare.py … --kind action                        the cases of one kind
    compare.py … --pending FILE                       the cases that are known to differ, which must differ
    compare.py … --as cli      scripts: the binary stands in the PATH as `sentry-cli` and gets the very calls
    compare.py … --as step     scripts: the case's `step`, one run with inputs instead of the calls
    compare.py … --as migrated scripts: what `migrate` makes of a file with the calls
    compare.py --self-test                            every expected effect, spoiled in each place, must be told

Effects, not requests, are compared: releases (version, projects, released, commits, deploys), uploaded
artifacts (by project, release and dist), scripts that got a debug id on disk, exit code. README.md has the format.
Needs Python 3.9 and git. Everything is on 127.0.0.1.
"""
import argparse
import concurrent.futures
import copy
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TOKEN = "ab" * 32
PARTS = ["exit", "versions", "projects", "released", "commits", "deploys", "artifacts", "injected"]

# ---- the repository of a case ------------------------------------------------------------------

def git(folder, *args, n=0):
    date = f"2026-01-{1 + n % 27:02d}T12:{n // 27:02d}:00Z"
    env = {"PATH": os.environ["PATH"], "HOME": folder, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
           "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@acme.example", "GIT_AUTHOR_DATE": date,
           "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@acme.example", "GIT_COMMITTER_DATE": date}
    out = subprocess.run(["git", *args], cwd=folder, env=env, capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(f"git {' '.join(args)}: {out.stderr}")
    return out.stdout.strip()

def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)

def build(folder, recipe):
    """A build's output: scripts with maps. `maps`: linked, hidden (no comment that names the map), none."""
    for name in recipe.get("scripts", []):
        path, kind = os.path.join(folder, recipe["dir"], name), recipe.get("maps", "linked")
        base = os.path.basename(name)
        body = f'"use strict";(()=>{{function a(b){{throw new Error(b)}}globalThis.{re.sub("[^a-z]", "_", recipe["dir"] + "/" + name)}=a}})();\n'
        if kind == "linked":
            body += f"//# sourceMappingURL={base}.map\n"
        write(path, body)
        if kind != "none":
            source = re.sub(r"(-[0-9a-f]{4,8})?\.[cm]?js$", ".ts", base)
            write(path + ".map", json.dumps({"version": 3, "file": base, "sources": [f"../src/{source}"], "names": [],
                  "sourcesContent": [f"// {recipe['dir']}/{name}\nexport function {source[0]}(b) {{\n  throw new Error(b);\n}}\n"], "mappings": "AAAA;AACA"}))
    for name in recipe.get("other", []):
        write(os.path.join(folder, recipe["dir"], name), f"/* {name} */\n")

def repository(case, root):
    """Makes origin and checkout; gives back the working folder and the names of commits."""
    recipe, work = case.get("repo", {}), os.path.join(root, "work")
    origin, commits = os.path.join(root, "origin"), recipe.get("commits", 8)
    branch = recipe.get("branch", "main")
    os.makedirs(origin)
    git(origin, "init", "-q", "-b", branch)
    for n in range(commits):
        write(f"{origin}/src/part{n % 3}.ts", f"export const n = {n};\n")
        if n == 0:
            write(f"{origin}/package.json", json.dumps({"name": "shop", "version": recipe.get("package", "1.4.2")}) + "\n")
            for name, text in recipe.get("files", {}).items():
                write(f"{origin}/{name}", text)
        git(origin, "add", "-A", n=n)
        git(origin, "commit", "-qm", f"change {n}", n=n)
    for tag, at in recipe.get("tags", {}).items():
        git(origin, "tag", tag, at.strip("{}"))
    names = {}
    for n in range(commits):
        names[git(origin, "rev-parse", f"HEAD~{n}")] = f"HEAD~{n}" if n else "HEAD"
    checkout, event = case.get("checkout", {"depth": 1}), case.get("event", {})
    if checkout is None or checkout.get("none"):
        os.makedirs(work)
    else:
        depth = ["--depth", str(checkout["depth"])] if checkout.get("depth") else []
        ref = event.get("ref", f"refs/heads/{branch}")
        short = ref.split("/", 2)[2] if ref.startswith("refs/") else branch
        git(root, "clone", "-q", *depth, "--branch", short if (ref.startswith("refs/tags/") or short == branch) else branch,
            f"file://{origin}", work)
        git(work, "remote", "set-url", "origin", checkout.get("remote", "https://github.com/acme/shop"))
    for one in recipe.get("build", []):
        build(work, one)
    for name, text in recipe.get("untracked", {}).items():
        write(os.path.join(work, name), text)
    return work, names

def names_in(text, names):
    """Commit ids in a text become {HEAD}, {HEAD~2}, {HEAD:7}."""
    def name(m):
        for sha, at in names.items():
            if sha.startswith(m[0]):
                return "{%s}" % at if len(m[0]) == 40 else "{%s:%d}" % (at, len(m[0]))
        return m[0]
    return re.sub(r"(?<![0-9a-f])[0-9a-f]{7,40}(?![0-9a-f])", name, text)

def fill(value, names, url):
    """{HEAD}, {HEAD~2}, {HEAD:7}, {URL} become what they stand for."""
    if isinstance(value, dict):
        return {k: fill(v, names, url) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, names, url) for v in value]
    if not isinstance(value, str):
        return value
    shas = {at: sha for sha, at in names.items()}
    value = re.sub(r"\{(HEAD(?:~\d+)?)(?::(\d+))?\}", lambda m: shas[m[1]][: int(m[2] or 40)], value)
    return value.replace("{URL}", url)

# ---- the backend -------------------------------------------------------------------------------

class Backend:
    def __init__(self, program, case, names, root, port):
        self.url, self.org, self.home = f"http://127.0.0.1:{port}", "acme", os.path.join(root, "home")
        spec = fill(case.get("backend", {}), names, self.url)
        args = [sys.executable, program, "--port", str(port), "--bundles", os.path.join(root, "bundles"),
                "--repo", spec.get("repo", "acme/shop"), "--repos", str(spec.get("repos", 1)), "--token", TOKEN]
        if spec.get("previous"):
            args += ["--prev-commit", spec["previous"]]
        for fault in spec.get("faults", []):
            args += ["--fault", fault]
        self.process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.get("/__ctl/stats")
                break
            except OSError:
                time.sleep(0.02)
        else:
            raise SystemExit("the mock did not start")
        for seed in spec.get("releases", []):
            self.get(f"/api/0/organizations/{self.org}/releases/", seed)
        self.seeded = {s["version"] for s in spec.get("releases", [])}
        self.before = len(self.get("/__ctl/log"))

    def get(self, path, body=None):
        req = urllib.request.Request(self.url + path, json.dumps(body).encode() if body else None,
                                     {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        with urllib.request.urlopen(req, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def effect(self, names):
        """What is there now that was not before."""
        log = self.get("/__ctl/log")[self.before:]
        bundles = self.get("/__ctl/bundles")
        found, touched = {}, set()
        commits = {}
        for entry in log:
            if not isinstance(entry["status"], int) or entry["status"] >= 400 or entry["method"] not in ("POST", "PUT"):
                continue
            body = entry["body"] if isinstance(entry["body"], dict) else {}
            m = re.search(r"/releases/(?:([^/]+)/)?(deploys/)?$", entry["path"])
            if not m:
                continue
            version = urllib.parse.unquote(m[1]) if m[1] else body.get("version")
            touched.add(version)
            if m[2]:
                continue
            if body.get("refs") is not None:
                refs = [{"repository": r.get("repository"), "commit": r.get("commit"), "previous": r.get("previousCommit")} for r in body["refs"]]
                commits[version] = {"refs": refs} if refs else None
            if body.get("commits"):
                commits[version] = {"commits": sorted(c.get("id") for c in body["commits"])}
        for rel in self.get(f"/api/0/organizations/{self.org}/releases/"):
            if rel["version"] not in touched:
                continue
            deploys = self.get(f"/api/0/organizations/{self.org}/releases/{urllib.parse.quote(rel['version'], safe='')}/deploys/")
            own = [b for e in log if e["path"].endswith("/deploys/") and e["method"] == "POST" and e["status"] == 201
                   and urllib.parse.unquote(e["path"].split("/")[-3]) == rel["version"] for b in [e["body"]]]
            shown = []
            for deploy, sent in zip(deploys, own):
                of = sorted((sent or {}).get("projects") or [])
                of = None if of in ([], sorted(p["slug"] for p in rel["projects"])) else of  # of all of the release's: unsaid
                shown.append({"environment": deploy["environment"], "name": deploy["name"], "url": deploy["url"],
                              "started": deploy["dateStarted"], "finished": (sent or {}).get("dateFinished") and "set",
                              "projects": of})
            found[rel["version"]] = {"version": rel["version"], "projects": sorted(p["slug"] for p in rel["projects"]),
                                     "released": bool(rel["dateReleased"]), "url": rel["url"],
                                     "commits": commits.get(rel["version"]),
                                     "deploys": sorted(shown, key=lambda d: json.dumps(d, sort_keys=True))}
        wanted = {}
        for entry in log:
            if entry["path"].endswith("/artifactbundle/assemble/") and entry["status"] == 200:
                body = entry["body"]
                for project in body["projects"]:
                    wanted.setdefault(body["checksum"], set()).add((project, body.get("version"), body.get("dist")))
        sets = {}
        for bundle in bundles:
            for project, version, dist in wanted.get(bundle["checksum"], ()):
                files = sets.setdefault((project, version or bundle["release"], dist or bundle["dist"]), {})
                for item in bundle["manifest"]["files"].values():
                    headers = {k.lower(): v for k, v in (item.get("headers") or {}).items()}
                    files[(item.get("url"), item.get("type"), headers.get("debug-id"))] = {"url": item.get("url"), "type": item.get("type"),
                        "id": bool(headers.get("debug-id")), "map": headers.get("sourcemap")}
        artifacts = [{"project": p, "release": r, "dist": d, "files": sorted(f.values(), key=lambda x: (x["url"] or "", x["type"] or ""))}
                     for (p, r, d), f in sorted(sets.items(), key=str)]
        effect = {"releases": [found[v] for v in sorted(found, key=str)], "artifacts": artifacts}
        return json.loads(names_in(json.dumps(effect), names).replace(self.url, "{URL}").replace(self.home, "{HOME}"))

def injected(work):
    out = []
    for folder, _, files in os.walk(work):
        if "/.git" in folder:
            continue
        for name in files:
            if name.endswith((".js", ".mjs", ".cjs")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8", errors="replace") as f:
                    if re.search(r"^//# debugId=", f.read(), re.M):
                        out.append(os.path.relpath(path, work))
    return sorted(out)

# ---- running -----------------------------------------------------------------------------------

def ci_env(case, names, url, root, work):
    """What the CI host sets. The step's own `env` comes on top."""
    event, head = case.get("event", {}), next(s for s, at in names.items() if at == "HEAD")
    home = os.path.join(root, "home")
    os.makedirs(home, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
           "SENTRY_DISABLE_UPDATE_CHECK": "true", "no_proxy": "*"}
    ref = event.get("ref", "refs/heads/main")
    kind, short = ("tag" if ref.startswith("refs/tags/") else "branch"), ref.split("/", 2)[-1]
    if case["kind"] in ("action", "cli-github"):
        payload = {"repository": {"full_name": "acme/shop", "name": "shop", "default_branch": "main"}}
        if event.get("name", "push") == "push":  # a new tag has nothing before it
            parent = next((s for s, at in names.items() if at == "HEAD~1"), "0" * 40)
            payload.update({"ref": ref, "before": parent if kind == "branch" else "0" * 40, "after": head})
        payload.update(fill(event.get("payload", {}), names, url))
        write(os.path.join(root, "event.json"), json.dumps(payload))
        for name in ("output", "summary", "githubenv"):
            write(os.path.join(root, name), "")
        env.update({"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event.get("name", "push"),
                    "GITHUB_EVENT_PATH": os.path.join(root, "event.json"), "GITHUB_REF": ref, "GITHUB_REF_NAME": short,
                    "GITHUB_REF_TYPE": kind, "GITHUB_SHA": head, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_ACTOR": "ada",
                    "GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": "http://127.0.0.1:9", "GITHUB_GRAPHQL_URL": "http://127.0.0.1:9",
                    "GITHUB_RUN_ID": "1001", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_RUN_NUMBER": "12", "GITHUB_JOB": "release", "GITHUB_WORKFLOW": "Release",
                    "GITHUB_WORKSPACE": work, "GITHUB_OUTPUT": os.path.join(root, "output"),
                    "GITHUB_STEP_SUMMARY": os.path.join(root, "summary"), "GITHUB_ENV": os.path.join(root, "githubenv"),
                    "RUNNER_OS": case.get("runner", "Linux"), "RUNNER_ARCH": "X64", "RUNNER_TEMP": root})
    elif case["kind"] == "cli-gitlab":
        env.update({"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_SHA": head, "CI_COMMIT_SHORT_SHA": head[:8], "CI_COMMIT_REF_NAME": short,
                    "CI_COMMIT_BEFORE_SHA": "0" * 40, "CI_PROJECT_PATH": "acme/shop", "CI_PROJECT_URL": "https://gitlab.example/acme/shop",
                    "CI_SERVER_URL": "https://gitlab.example", "CI_SERVER_HOST": "gitlab.example", "CI_JOB_ID": "77", "CI_JOB_NAME": "release",
                    "CI_JOB_URL": "https://gitlab.example/acme/shop/-/jobs/77", "CI_PIPELINE_ID": "55", "CI_PIPELINE_SOURCE": "push",
                    "CI_PIPELINE_URL": "https://gitlab.example/acme/shop/-/pipelines/55", "CI_PROJECT_DIR": work, "CI_DEFAULT_BRANCH": "main"})
        env["CI_COMMIT_TAG" if kind == "tag" else "CI_COMMIT_BRANCH"] = short
    env["SENTRY_URL"] = url
    for key, value in fill(case.get("env", {}), names, url).items():
        env[key] = TOKEN if value == "TOKEN" else value
    return env

def outputs_of(path):
    out, lines = {}, open(path, encoding="utf-8").read().split("\n")
    while lines:
        line = lines.pop(0)
        m = re.match(r"([^=<]+)<<(.+)$", line)
        if m:
            value = []
            while lines and lines[0] != m[2]:
                value.append(lines.pop(0))
            lines and lines.pop(0)
            out[m[1]] = "\n".join(value)
        elif "=" in line:
            out[line.split("=", 1)[0]] = line.split("=", 1)[1]
    return out

def execute(argv, env, cwd, limit=90):
    process = subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True)
    try:
        out, _ = process.communicate(timeout=limit)
        return process.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return 124, process.communicate()[0] + "\n[over the limit]"

class Action:
    """An action.yml: its inputs, and the variables of its steps' `env`."""
    def __init__(self, path):
        text = open(path, encoding="utf-8").read()
        self.folder = os.path.dirname(os.path.abspath(path))
        head = text.split("\noutputs:")[0].split("\nruns:")[0]
        self.inputs, name = {}, None
        for line in head.split("\ninputs:")[1].split("\n"):
            m = re.match(r"  ([A-Za-z_][\w-]*):", line)
            if m:
                name = m[1]
                self.inputs[name] = ""
            m = re.match(r"    default: *(.*)$", line)
            if m and name:
                self.inputs[name] = m[1].strip("'\"")
        self.outputs = dict(re.findall(r"  ([\w-]+):\n(?:    description:.*\n)?    value: \$\{\{ steps\.\w+\.outputs\.([\w-]+) \}\}", text))
        self.steps = re.split(r"\n    - ", text.split("\n  steps:")[1])[1:]

    def variables(self, step, given, env):
        out = {}
        for name, expr in re.findall(r"^ {8,}([A-Z][A-Z0-9_]*): \$\{\{ (.*?) \}\}\s*$", step, re.M):
            value = ""
            for term in expr.split(" || "):
                m = re.match(r"inputs\.([\w-]+)$|env\.(\w+)$|'([^']*)'$", term.strip())
                if m:
                    value = (given.get(m[1], "") if m[1] else env.get(m[2], "") if m[2] else m[3])
                if value:
                    break
            out[name] = value
        return out

def run_action(binary, action, step, env, work, root):
    """As GitHub: undeclared inputs are dropped with a warning, then the install step, then the run."""
    known = {name.lower(): name for name in action.inputs}
    given = {name: default for name, default in action.inputs.items()}
    dropped = []
    for name, value in step.items():
        if name.lower() in known:
            given[known[name.lower()]] = value
        else:
            dropped.append(name)
    log = "".join(f"##[warning]Unexpected input '{n}'\n" for n in dropped)
    for text in action.steps:
        variables = action.variables(text, given, env)
        if "install.sh" in text:
            if variables.get("VERSION") or variables.get("CHECKSUM"):
                write(os.path.join(root, "installed"), "")
                code, out = execute(["bash", os.path.join(action.folder, "action", "install.sh")],
                                    {**env, **variables, "RELEASES": "http://127.0.0.1:9", "GITHUB_ACTION_PATH": action.folder,
                                     "GITHUB_OUTPUT": os.path.join(root, "installed")}, work)
                if code:
                    return code, log + out, dropped
        elif "FINISHLINE_" in text:
            resumes = variables.get("FINISHLINE_CALLBACK_URL")
            code, out = execute([binary, "resume" if resumes else "run"], {**env, **variables}, work)
            return code, log + out, dropped
    raise SystemExit("the action.yml has no step that runs the binary")

WORKFLOW = """name: Release
on: push
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: |
"""
GITLAB_JOB = """release:
  script:
    - |
"""

def indented(text, by):
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))

def migrated(binary, case, script, root):
    """The steps that `migrate` makes of a file with the calls: a script, or the inputs of a step of ours."""
    name, head, by = {"cli-github": (".github/workflows/release.yml", WORKFLOW, 10),
                      "cli-gitlab": (".gitlab-ci.yml", GITLAB_JOB, 6)}.get(case["kind"], ("release.sh", "", 0))
    path = os.path.join(root, "files", name)
    write(path, head + indented(script, by))
    # It ends with 3 where it leaves a call as it is, which then runs as it is.
    code, log = execute([binary, "migrate", "--write", name], {"PATH": os.environ["PATH"]}, os.path.join(root, "files"))
    text = open(path, encoding="utf-8").read()
    if case["kind"] == "script":
        return [("run", text, False)], log
    if case["kind"] == "cli-gitlab":
        body = text.split("  script:\n")[1]
        lines = [re.sub(r"^    (- \|?|  )", "", line) for line in body.split("\n")]
        return [("run", "\n".join(lines), False)], log
    steps = []
    for step in re.split(r"^      - ", text.split("    steps:\n")[1], flags=re.M)[1:]:
        if step.startswith("run: |\n"):
            steps.append(("run", re.sub(r"^ {10}", "", step.split("\n", 1)[1], flags=re.M), False))
        elif step.startswith("uses: OWNER/finishline@"):
            pairs = re.findall(r"^ {10}([\w-]+): (.*)$", step, re.M)
            may_fail = "\n        continue-on-error: true" in step
            steps.append(("uses", {key: value.strip("'\"") for key, value in pairs}, may_fail))
        elif not step.startswith("uses: actions/checkout@"):
            raise SystemExit(f"{case['id']}: a step of another form: {step}")
    return steps, log

def evaluated(text, env):
    """What a host makes of the expressions that `migrate` writes."""
    facts = {"github.ref_name": "GITHUB_REF_NAME", "github.sha": "GITHUB_SHA", "github.ref": "GITHUB_REF"}
    def value(m):
        if m[1] in facts:
            return env[facts[m[1]]]
        if m[1].startswith("env."):
            return env.get(m[1][4:], "")
        raise SystemExit(f"an expression of another form: {m[0]}")
    return re.sub(r"\$\{\{ *(.*?) *\}\}", value, text)

def run_migrated(binary, action, case, script, env, cwd, root):
    steps, log = migrated(binary, case, script, root)
    tools = os.path.join(root, "tools")
    os.makedirs(tools)
    for name in ("finishline", "sentry-cli"):
        os.symlink(binary, os.path.join(tools, name))
    env = {**env, "PATH": f"{tools}:{env['PATH']}"}
    code = 0
    for kind, what, may_fail in steps:
        if kind == "run":
            code, out = execute([*case.get("shell", "bash -e").split(), "-c", what], env, cwd)
            if os.path.exists(env.get("GITHUB_ENV", "")):
                env.update(outputs_of(env["GITHUB_ENV"]))
        else:
            values = {key: evaluated(value, env) for key, value in what.items()}
            code, out, _ = run_action(binary, action, values, env, cwd, root)
        log += out
        code = 0 if may_fail else code
        if code:
            break
    return code, log

def run_case(case, mode, binary, action, mock, port, keep=None):
    root = keep or tempfile.mkdtemp(prefix="dropin-")
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    work, names = repository(case, root)
    backend = Backend(mock, case, names, root, port)
    try:
        env = ci_env(case, names, backend.url, root, work)
        cwd = os.path.join(work, case.get("cwd", ""))
        os.makedirs(cwd, exist_ok=True)
        code, log, dropped, outputs = 0, "", [], {}
        if mode == "cli":
            tools = os.path.join(root, "tools")
            os.makedirs(tools)
            os.symlink(os.path.abspath(binary), os.path.join(tools, "sentry-cli"))
            env["PATH"] = f"{tools}:{env['PATH']}"
            script = fill(case["script"], names, backend.url)
            code, log = execute([*case.get("shell", "bash -e").split(), "-c", script], env, cwd)
        elif mode == "migrated":
            script = fill(case["script"], names, backend.url)
            code, log = run_migrated(os.path.abspath(binary), action, case, script, env, cwd, root)
        else:
            steps = case.get("steps") if mode == "action" else [{"values": s} for s in case["step"]]
            for number, step in enumerate(steps):
                own = {k: TOKEN if v == "TOKEN" else v for k, v in fill(step.get("env", {}), names, backend.url).items()}
                values = fill(step.get("values", step.get("with", {})), names, backend.url)
                if callable(binary):
                    one, out = binary(values, {**env, **own}, work, root)
                elif case["kind"] in ("action", "cli-github"):
                    one, out, lost = run_action(binary, action, values, {**env, **own}, work, root)
                    dropped += lost
                else:
                    extra = {f"FINISHLINE_{k.upper().replace('-', '_')}": v for k, v in values.items()}
                    one, out = execute([binary, "run"], {**env, **own, **extra}, cwd)
                log += out
                code = code or one
                if one and not step.get("continue_on_error"):
                    break
            if os.path.exists(os.path.join(root, "output")):
                outputs = outputs_of(os.path.join(root, "output"))
                if action and not callable(binary):
                    outputs = {name: outputs.get(source, "") for name, source in action.outputs.items()}
        effect = {"exit": code, **backend.effect(names), "injected": injected(work)}
        text = names_in(log, names).replace(backend.url, "{URL}").replace(TOKEN, "TOKEN").replace(root, "")
        shown = {k: names_in(v, names) for k, v in outputs.items() if k in ("release", "version")}
        return effect, text, dropped, shown
    finally:
        backend.stop()
        if not keep:
            shutil.rmtree(root, ignore_errors=True)

# ---- comparing ---------------------------------------------------------------------------------

def parts(effect):
    """The effect by part, each in a form that can be compared."""
    rel = {r["version"]: r for r in effect["releases"]}
    return {"exit": 0 if effect["exit"] == 0 else 1, "versions": sorted(rel),
            "projects": {v: r["projects"] for v, r in rel.items()}, "released": {v: r["released"] for v, r in rel.items()},
            "commits": {v: r["commits"] for v, r in rel.items()}, "deploys": {v: r["deploys"] for v, r in rel.items()},
            "artifacts": effect["artifacts"], "injected": effect["injected"]}

def deploys_fit(want, have):
    """Said of a deploy must be the same; what was left unsaid may be said (its page, its name, its projects)."""
    if want.keys() != have.keys():
        return False
    for version in want:
        left = list(have[version])
        if len(left) != len(want[version]):
            return False
        for one in want[version]:
            for other in left:
                if all(one[k] is None or one[k] == other[k] for k in one):
                    left.remove(other)
                    break
            else:
                return False
    return True

def commits_fit(want, have):
    """The same head of the same repository, or the same commits; a previous commit that was sent must be the same,
    and none may be added: that would be another range."""
    return want == have

def differences(want, have):
    want, have = parts(want), parts(have)
    out = {}
    for part in PARTS:
        fits = {"deploys": deploys_fit, "commits": commits_fit}.get(part, lambda a, b: a == b)
        if not fits(want[part], have[part]):
            out[part] = {"want": want[part], "have": have[part]}
    return out

def empty(effect):
    return not effect["releases"] and not effect["artifacts"]

def acceptable(case):
    """What a user would take: the incumbent's effect, or `want` where that is at fault."""
    return case.get("want") or [{"effect": case["incumbent"]["effect"]}]

def verdict(case, effect, log):
    """same | refused | partial (failed half way) | different (green, and not the same)"""
    best = None
    for one in acceptable(case):
        if "refuse" in one:
            if effect["exit"] and empty(effect) and all(w.lower() in log.lower() for w in one["refuse"]):
                return "same", {}
            continue
        if "fail" in one:
            if effect["exit"] and all(w.lower() in log.lower() for w in one["fail"]):
                return "same", {}
            continue
        if one["effect"]["exit"] and empty(one["effect"]) and effect["exit"] and empty(effect):
            return "same", {}
        diff = differences(one["effect"], effect)
        if not diff:
            return "same", {}
        if best is None or len(diff) < len(best):
            best = diff
    if effect["exit"]:
        return ("refused" if empty(effect) else "partial"), best or {}
    return "different", best or {"exit": {"want": "a refusal", "have": 0}}

def spoiled(value, path=()):
    """Every place of a value with something wrong there: (path, other value)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            for where, other in spoiled(inner, path + (key,)):
                yield where, {**value, key: other}
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield path + (n,), value[:n] + value[n + 1:]
            for where, other in spoiled(inner, path + (n,)):
                yield where, value[:n] + [other] + value[n + 1:]
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int):
        yield path, 0 if value else 1
    else:
        yield path, "spoiled"


def self_test(cases):
    """Spoils each expected effect in every place; the comparison must tell each."""
    told, free, missed = 0, 0, 0
    for case in cases:
        for effect in [case["incumbent"]["effect"]] + [w["effect"] for w in case.get("want", []) if "effect" in w]:
            assert not differences(effect, copy.deepcopy(effect)), case["id"]
            for path, other in spoiled(effect):
                at = effect
                for step in path:
                    at = at[step]
                unsaid = at is None and "deploys" in path  # what was left unsaid of a deploy may be said
                address = path[-1] == "url" and "deploys" not in path and "files" not in path  # a release's url: not compared
                if unsaid or address:
                    free += 1
                elif differences(effect, other):
                    told += 1
                else:
                    missed += 1
                    print("not told:", case["id"], path)
            nothing = {"exit": 0, "releases": [], "artifacts": [], "injected": []}
            if not empty(effect):
                assert set(differences(effect, nothing)) & {"versions", "artifacts"}, case["id"]
    print(f"{len(cases)} cases: {told} spoiled places told, {missed} not told, {free} free by the rules")
    return 1 if missed else 0


def pending_cases(path):
    """The cases that are known to differ, each with a reason behind its id."""
    if not path:
        return set()
    with open(path, encoding="utf-8") as lines:
        return {line.split(":")[0].strip() for line in lines if line.strip() and not line.startswith("#")}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--cases", default=os.path.join(ROOT, "tests/vectors/dropin-cases.json"))
    ap.add_argument("--case", action="append", default=[])
    ap.add_argument("--all", action="store_true")
    ap.add_argument("--bin")
    ap.add_argument("--action", default=os.path.join(ROOT, "action.yml"),
                    help="the action.yml under test; its install.sh is looked for beside it in action/")
    ap.add_argument("--mock", default=os.path.join(HERE, "../lib/sentry_backend.py"), help="the stand-in for a Sentry")
    ap.add_argument("--kind", help="only the cases of this kind")
    ap.add_argument("--pending", help="a file of the cases that differ, one `id: why` a line")
    ap.add_argument("--as", dest="mode", choices=["cli", "step", "migrated"], default="cli")
    ap.add_argument("--port", type=int, default=9850)
    ap.add_argument("--json", action="store_true", help="one JSON line a case")
    ap.add_argument("--self-test", action="store_true")
    ap.add_argument("--show", action="store_true", help="also what was printed")
    ap.add_argument("--keep", help="folder to leave everything of the run in")
    args = ap.parse_args()
    cases = json.load(open(args.cases, encoding="utf-8"))["cases"]
    args.bin = os.path.abspath(args.bin) if args.bin else None
    if args.self_test:
        sys.exit(self_test(cases))
    chosen = cases if args.all else [c for c in cases if c["id"] in args.case]
    chosen = [c for c in chosen if args.kind in (None, c["kind"])]
    pending = pending_cases(args.pending)
    if not chosen:
        raise SystemExit("no such case")
    action, sums, bad = Action(args.action) if args.action else None, {}, 0
    ports, workers = queue.SimpleQueue(), os.cpu_count() or 1
    for n in range(workers):
        ports.put(args.port + n)

    def carried_out(case):
        mode = "action" if case["kind"] == "action" else args.mode
        if mode == "step" and not case.get("step"):
            return None
        port = ports.get()
        try:
            return run_case(case, mode, args.bin, action, args.mock, port, args.keep)
        finally:
            ports.put(port)

    for case, result in zip(chosen, concurrent.futures.ThreadPoolExecutor(workers).map(carried_out, chosen)):
        if result is None:
            print(f"{case['id']:5} {case['kind']:10} no-step")
            continue
        effect, log, dropped, outputs = result
        what, diff = verdict(case, effect, log)
        bad += (what == "same") == (case["id"] in pending)
        sums.setdefault(case["kind"], {}).setdefault(what, []).append(case["id"])
        if args.json:
            print(json.dumps({"id": case["id"], "kind": case["kind"], "verdict": what, "differs": diff, "dropped": dropped,
                              "outputs": outputs, "effect": effect, "log": log[-1500:]}), flush=True)
            continue
        print(f"{case['id']:5} {case['kind']:10} {what:9} " + " ".join(f"{p}={'different' if p in diff else 'same'}" for p in PARTS)
              + (f" dropped={','.join(dropped)}" if dropped else "")
              + (" pending" if case["id"] in pending else ""), flush=True)
        if not args.all:
            for part, pair in diff.items():
                print(f"  {part}\n    want {json.dumps(pair['want'])}\n    have {json.dumps(pair['have'])}")
        if args.show:
            print(log)
    if args.all and not args.json:
        for kind, by in sums.items():
            print(kind, {k: len(v) for k, v in by.items()})
    sys.exit(1 if bad else 0)

if __name__ == "__main__":
    main()
