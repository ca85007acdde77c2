#!/usr/bin/env python3
"""A small stand-in for the Sentry release backend, source maps included, on loopback.

It answers the REST endpoints that a release tool calls (repositories, releases,
commits, deploys, integrations, the API-driven integration pipeline) with JSON of
the same shape as the real service, and writes one JSON line for every request to
a log: when it came, on which connection, method, path, headers, body, answer.

Only the Python standard library is used. It listens on 127.0.0.1 unless told
otherwise, keeps everything in memory, and never makes a request itself.

    sentry_backend.py --port 9777 --log req.jsonl
    sentry_backend.py --port 9777 --log req.jsonl --delay-ms 100
    sentry_backend.py --port 0 --port-file port           # picks a free port

Faults (each can be given many times; the first rule that matches and still has
uses left is applied):

    --fault 'POST /deploys/ 503 2'                  first two matching requests get 503
    --fault 'GET /repos/ 429 1 Retry-After=2'       one 429 with a header
    --fault 'PUT /releases/ drop 1'                 connection is closed without an answer
    --fault 'POST /releases/ 200 1 body=<html>'     a 200 with a body that is no JSON

Control (not logged, not delayed):

Source maps: it also answers chunk upload, artifact-bundle assemble and the listings of bundles, as
Sentry does, and keeps what was assembled:

    sentry_backend.py --bundles DIR --states created,assembling,ok      (states of one checksum, in turn)
    sentry_backend.py --chunk-size 1048576 --accept artifact_bundles    (an old server: no missing chunks told)
    sentry_backend.py --upload-url https://eu.example/api/0/organizations/acme/chunk-upload/
    sentry_backend.py --reject zstd --no-gzip --concurrency 2 --max-request 33554432 --lose-chunk 1

Every bundle lands in DIR as CHECKSUM.zip with CHECKSUM.json (the request that named it). The state
`ok` is given only if chunks, checksum, ZIP and manifest are right; otherwise `error` with `detail`.

    GET  /__ctl/log     the requests so far, as a JSON array
    GET  /__ctl/bundles what was assembled: checksum, request, manifest
    POST /__ctl/reset   forget the requests and the stored releases
    GET  /__ctl/stats   number of requests and of TCP connections
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse
import uuid
import zipfile
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = "/api/0"


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Fault:
    """'METHOD path-substring STATUS|drop COUNT [Header=Value ...] [body=TEXT]'"""

    def __init__(self, text):
        parts = text.split()
        if len(parts) < 4:
            raise argparse.ArgumentTypeError("a fault is 'METHOD PATHPART STATUS|drop COUNT [K=V ...]'")
        self.method, self.part, self.status = parts[0].upper(), parts[1], parts[2]
        self.left = int(parts[3])
        self.headers, self.body = {}, None
        for extra in parts[4:]:
            key, _, value = extra.partition("=")
            if key == "body":
                self.body = value
            else:
                self.headers[key] = value

    def matches(self, method, path):
        return self.left > 0 and self.method in (method, "*") and self.part in path


class State:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.log_file = open(args.log, "a", encoding="utf-8") if args.log else None
        self.t0 = time.monotonic()
        self.connections = 0
        self.reset()

    def reset(self):
        self.requests = []
        self.releases = {}
        self.deploys = {}
        self.integrations = []
        self.sessions = {}
        self.chunks = {}
        self.assembles = {}
        self.bundles = {}
        self.lose = self.args.lose_chunk
        self.next_id = 1000
        self.connections = 0

    def new_id(self):
        self.next_id += 1
        return str(self.next_id)

    def record(self, entry):
        with self.lock:
            entry["n"] = len(self.requests) + 1
            self.requests.append(entry)
            if self.log_file:
                self.log_file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                self.log_file.flush()

    # ---- data of the same shape as the real service -------------------------

    def repos(self):
        names = []
        count = self.args.repos
        for i in range(count):
            # the repository that the checkout belongs to is the LAST one, so a tool
            # that reads page after page has to read them all
            names.append(self.args.repo if i == count - 1 else f"acme/other-{i:04d}")
        return [
            {
                "id": str(100 + i),
                "name": name,
                "url": f"https://github.com/{name}",
                "provider": {"id": "integrations:github", "name": "GitHub"},
                "status": "active",
                "dateCreated": "2024-01-02T03:04:05.000000Z",
                "integrationId": "7",
                "externalSlug": name,
                "externalId": str(9000 + i),
                "settings": None,
            }
            for i, name in enumerate(names)
        ]

    def release(self, version, create=None):
        rel = self.releases.get(version)
        created = False
        if rel is None:
            if create is None:
                return None, False
            created = True
            rel = self.releases[version] = {
                "id": int(self.new_id()),
                "version": version,
                "shortVersion": version,
                "status": "open",
                "versionInfo": {"package": None, "version": {"raw": version}, "description": version, "buildHash": None},
                "ref": None,
                "url": None,
                "dateReleased": None,
                "dateCreated": now(),
                "dateStarted": None,
                "data": {},
                "newGroups": 0,
                "owner": None,
                "commitCount": 0,
                "lastCommit": None,
                "deployCount": 0,
                "lastDeploy": None,
                "authors": [],
                "projects": [],
                "firstEvent": None,
                "lastEvent": None,
                "currentProjectMeta": {},
                "userAgent": None,
            }
        return rel, created

    def apply(self, rel, body):
        for key in ("ref", "url", "dateReleased", "dateStarted", "status"):
            if body.get(key) is not None:
                rel[key] = body[key]
        for slug in body.get("projects") or []:
            slug = str(slug)
            if not any(p["slug"] == slug for p in rel["projects"]):
                rel["projects"].append(
                    {
                        "id": 4500000 + len(rel["projects"]),
                        "slug": slug,
                        "name": slug,
                        "platform": "rust",
                        "platforms": ["rust"],
                        "newGroups": 0,
                        "hasHealthData": False,
                    }
                )
        if body.get("commits"):
            rel["commitCount"] = len(body["commits"])
            rel["lastCommit"] = {"id": body["commits"][0].get("id"), "dateCreated": now()}
        if body.get("refs"):
            rel["commitCount"] = 7
            rel["lastCommit"] = {"id": body["refs"][0].get("commit"), "dateCreated": now()}
        if body.get("refs") == []:
            rel["commitCount"], rel["lastCommit"] = 0, None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "mock-release-backend"
    sys_version = ""

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.state.lock:
            self.server.state.connections += 1
            self.conn_no = self.server.state.connections
        self.on_conn = 0

    # ---- plumbing -----------------------------------------------------------

    def body_bytes(self):
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            out = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0].strip() or b"0", 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return out
                out += self.rfile.read(size)
                self.rfile.readline()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status, payload=None, headers=None, raw=None):
        if raw is not None:
            data, ctype = raw.encode(), "text/html"
        elif payload is None:
            data, ctype = b"", None
        else:
            data, ctype = json.dumps(payload).encode(), "application/json"
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        if ctype:
            self.send_header("Content-Type", ctype)
        self.send_header("Content-Length", str(len(data)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def handle_any(self):
        state = self.server.state
        t_in = time.monotonic() - state.t0
        raw = self.body_bytes()
        split = urllib.parse.urlsplit(self.path)
        path = split.path
        if path.startswith("/__ctl/"):
            return self.control(path, state)
        self.on_conn += 1
        ctype = self.headers.get("Content-Type") or ""
        self.parts = None
        try:
            if ctype.lower().startswith("multipart/form-data"):
                self.parts = self.multipart(raw, ctype)
                body = {"parts": [{k: p[k] for k in ("field", "filename", "type", "bytes", "plain_bytes", "sha1_ok")} for p in self.parts]}
            else:
                body = json.loads(raw) if raw else None
        except ValueError:
            body = {"_not_json_bytes": len(raw), "_head": base64.b64encode(raw[:60]).decode()}
        if state.args.delay_ms:
            time.sleep(state.args.delay_ms / 1000)
        auth = self.headers.get("Authorization") or ""
        status, payload, headers, raw_out = self.answer(state, path, split.query, body, auth)
        entry = {
            "t": round(t_in, 4),
            "at": now(),
            "conn": self.conn_no,
            "on_conn": self.on_conn,
            "method": self.command,
            "path": path,
            "query": split.query,
            "user_agent": self.headers.get("User-Agent"),
            "content_type": self.headers.get("Content-Type"),
            "auth": (auth[:11] + "***") if auth else None,
            "header_names": sorted(k.lower() for k in self.headers.keys()),
            "body": body,
            "body_bytes": len(raw),
            "status": status,
        }
        state.record(entry)
        if status == "drop":
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            return
        self.send(status, payload, headers, raw_out)

    @staticmethod
    def multipart(raw, ctype):
        """The parts of a chunk upload; a part's file name is the SHA-1 of the chunk before compression."""
        m = re.search(r'boundary="?([^";]+)"?', ctype)
        if not m:
            raise ValueError("no boundary")
        mark = b"--" + m[1].encode()
        out, at = [], raw.find(mark)
        while at >= 0:
            start = at + len(mark)
            if raw[start:start + 2] == b"--":
                break
            end = raw.find(b"\r\n" + mark, start)
            if end < 0:
                raise ValueError("no closing boundary")
            head, _, data = raw[start + 2:end].partition(b"\r\n\r\n")
            head = head.decode("utf-8", "replace")
            field = re.search(r'name="([^"]*)"', head)
            name = re.search(r'filename="([^"]*)"', head)
            kind = re.search(r"(?im)^content-type:\s*(.*?)\s*$", head)
            part = {"field": field[1] if field else None, "filename": name[1] if name else None,
                    "type": kind[1] if kind else None, "bytes": len(data)}
            try:
                plain = gzip.decompress(data) if part["field"] == "file_gzip" else data
            except (OSError, EOFError):
                plain = b""
            part["plain"], part["plain_bytes"] = plain, len(plain)
            part["sha1_ok"] = hashlib.sha1(plain).hexdigest() == part["filename"]
            out.append(part)
            at = end + 2
        return out

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any

    def do_CONNECT(self):
        # a client took us for a proxy: write the host down and refuse
        state = self.server.state
        state.record(
            {
                "t": round(time.monotonic() - state.t0, 4),
                "at": now(),
                "conn": self.conn_no,
                "on_conn": 1,
                "method": "CONNECT",
                "path": self.path,
                "query": "",
                "user_agent": self.headers.get("User-Agent"),
                "body": None,
                "status": 403,
            }
        )
        self.close_connection = True
        self.send(403, {"detail": "this is no proxy"}, {"Connection": "close"})

    def control(self, path, state):
        if path == "/__ctl/log":
            return self.send(200, state.requests)
        if path == "/__ctl/bundles":
            return self.send(200, list(state.bundles.values()))
        if path == "/__ctl/stats":
            return self.send(200, {"requests": len(state.requests), "connections": state.connections})
        if path == "/__ctl/reset":
            with state.lock:
                state.reset()
            return self.send(200, {"ok": True})
        return self.send(404, {"detail": "unknown control"})

    # ---- the answers ----------------------------------------------------------

    def answer(self, state, path, query, body, auth):
        with state.lock:
            for fault in state.args.fault:
                if fault.matches(self.command, path):
                    fault.left -= 1
                    if fault.status == "drop":
                        return "drop", None, None, None
                    status = int(fault.status)
                    if fault.body is not None:
                        return status, None, fault.headers, fault.body
                    return status, {"detail": f"injected fault {status}"}, fault.headers, None
            return self.route(state, path, query, body if isinstance(body, dict) else {}, auth)

    def route(self, state, path, query, body, auth):
        args = state.args
        method = self.command
        params = urllib.parse.parse_qs(query, keep_blank_values=True)

        def ok(payload, status=200, headers=None):
            return status, payload, headers, None

        if not path.startswith(API):
            return ok({"detail": "not the API"}, 404)
        if not auth:
            return ok({"detail": "Authentication credentials were not provided."}, 401)
        if args.token and auth != f"Bearer {args.token}":
            return ok({"detail": "Invalid token"}, 401)
        rest = path[len(API):]
        base = f"http://127.0.0.1:{self.server.server_port}"

        if rest == "/":
            return ok({"version": "0", "auth": {"scopes": ["org:ci"]}, "user": None})
        if rest == "/organizations/":
            return ok([self.org(args.org, base)], headers={"Link": self.no_next(base, path)})
        if rest == "/users/me/regions/":
            return ok({"regions": [{"name": "us", "url": base}]})

        found = self.sourcemaps(state, rest, params, body, base, ok)
        if found is not None:
            return found

        # the project-scoped twins of the release endpoints (sentry-cli 2.x calls them)
        m = re.fullmatch(r"/projects/([^/]+)/([^/]+)/(releases/.*)", rest)
        if m:
            rest = f"/organizations/{m[1]}/{m[3]}"
            if body is not None and method in ("POST", "PUT") and "/deploys/" not in rest:
                body = {**body, "projects": body.get("projects") or [m[2]]}
        m = re.fullmatch(r"/organizations/([^/]+)/(.*)", rest)
        if not m:
            m2 = re.fullmatch(r"/projects/([^/]+)/([^/]+)/", rest)
            if m2:
                return ok({"id": "4500000", "slug": m2[2], "name": m2[2], "platform": "rust",
                           "organization": self.org(m2[1], base), "team": None, "teams": []})
            return ok({"detail": "The requested resource does not exist"}, 404)
        org, tail = m[1], m[2]
        if org != args.org:
            return ok({"detail": "The requested resource does not exist"}, 404)
        if tail == "":
            return ok(self.org(org, base))

        if tail == "repos/" and method == "GET":
            repos = state.repos()
            wanted = params.get("query", [""])[0]
            if wanted:
                repos = [r for r in repos if wanted.lower() in r["name"].lower()]
            size = min(int(params.get("per_page", ["100"])[0] or 100), 100)
            cursor = params.get("cursor", [""])[0]
            page = int(cursor.split(":")[1]) if cursor.count(":") == 2 else 0
            part = repos[page * size:(page + 1) * size]
            more = (page + 1) * size < len(repos)
            link = (
                f'<{base}{path}?&cursor=0:{max(page - 1, 0)}:1>; rel="previous"; results="{"true" if page else "false"}"; '
                f'cursor="0:{max(page - 1, 0)}:1", '
                f'<{base}{path}?&cursor=0:{page + 1}:0>; rel="next"; results="{"true" if more else "false"}"; '
                f'cursor="0:{page + 1}:0"'
            )
            return ok(part, headers={"Link": link})

        if tail == "releases/" and method == "POST":
            version = body.get("version")
            errors = {}
            if not version:
                errors["version"] = ["This field is required."]
            if not body.get("projects"):
                errors["projects"] = ["This field is required."]
            bad = [p for p in body.get("projects") or [] if str(p).startswith("missing")]
            if bad:
                errors["projects"] = ["Invalid project ids or slugs"]
            if errors:
                return ok(errors, 400)
            rel, created = state.release(version, create=body)
            had = len(rel["projects"])
            # a release that is there already keeps its dates, ref and url: POST only adds projects,
            # commits and refs to it (to finalize it takes a PUT); 208 says that nothing was added
            state.apply(rel, body if created else {k: body[k] for k in ("projects", "commits", "refs", "status") if k in body})
            # and refused refs do not undo the release
            refused = self.bad_refs(state, body)
            if refused:
                rel["commitCount"], rel["lastCommit"] = 0, None
                return refused
            return ok(rel, 201 if created or len(rel["projects"]) > had else 208)
        if tail == "releases/" and method == "GET":
            return ok(list(state.releases.values()), headers={"Link": self.no_next(base, path)})

        m = re.fullmatch(r"releases/([^/]+)/(.*)", tail)
        if m:
            version, sub = urllib.parse.unquote(m[1]), m[2]
            rel, _ = state.release(version)
            if sub == "previous-with-commits/" and method == "GET":
                if not args.prev_commit:
                    return ok({})
                prev = dict(state.release("previous-release", create={})[0])
                prev["lastCommit"] = {"id": args.prev_commit, "dateCreated": now()}
                return ok(prev)
            if rel is None:
                return ok({"detail": "The requested resource does not exist"}, 404)
            if sub == "":
                if method == "GET":
                    return ok(rel)
                if method == "PUT":
                    refused = self.bad_refs(state, body)
                    if refused:
                        return refused
                    state.apply(rel, body)
                    return ok(rel)
                if method == "DELETE":
                    del state.releases[version]
                    return 204, None, None, None
            if sub == "commits/":
                return ok([])
            if sub == "deploys/":
                store = state.deploys.setdefault(version, [])
                if method == "GET":
                    return ok(store)
                if not body.get("environment"):
                    return ok({"environment": ["This field is required."]}, 400)
                deploy = {
                    "id": state.new_id(),
                    "environment": body["environment"],
                    "dateStarted": body.get("dateStarted"),
                    "dateFinished": body.get("dateFinished") or now(),
                    "name": body.get("name"),
                    "url": body.get("url"),
                }
                store.append(deploy)
                rel["deployCount"] += 1
                rel["lastDeploy"] = deploy
                return ok(deploy, 201)

        # integrations: what is installed, what can be installed
        if tail == "integrations/" and method == "GET":
            provider = params.get("providerKey", params.get("provider_key", [""]))[0]
            items = [i for i in state.integrations if not provider or i["provider"]["key"] == provider]
            return ok(items, headers={"Link": self.no_next(base, path)})
        m = re.fullmatch(r"integrations/([^/]+)/", tail)
        if m:
            for item in state.integrations:
                if item["id"] == m[1]:
                    if method == "DELETE":
                        state.integrations.remove(item)
                        return 204, None, None, None
                    return ok(item)
            return ok({"detail": "The requested resource does not exist"}, 404)
        if tail == "config/integrations/":
            return ok({"providers": [self.provider(k) for k in ("github", "gitlab", "opsgenie")]})

        # the API-driven pipeline: initialize, advance, complete; the state hangs on a cookie
        if tail == "pipeline/integration_pipeline/":
            return self.pipeline(state, method, body, base, org, ok)

        return ok({"detail": "The requested resource does not exist"}, 404)

    # ---- source maps: chunks, bundles, their listings ---------------------------

    def sourcemaps(self, state, rest, params, body, base, ok):
        args, method = state.args, self.command
        m = re.fullmatch(r"/organizations/([^/]+)/chunk-upload/", rest)
        if m:
            if m[1] != args.org:
                return ok({"detail": "The requested resource does not exist"}, 404)
            if method == "GET":
                return ok({
                    "url": args.upload_url or f"{base}{API}{rest}",
                    "chunkSize": args.chunk_size, "chunksPerRequest": args.chunks_per_request,
                    "maxFileSize": args.max_file, "maxRequestSize": args.max_request,
                    "concurrency": args.concurrency, "hashAlgorithm": "sha1",
                    "compression": [] if args.no_gzip else ["gzip"],
                    "accept": args.accept.split(","),
                })
            for part in self.parts or []:
                if part["field"] not in ("file", "file_gzip"):
                    return ok({"error": f"unknown field {part['field']}"}, 400)
                if part["plain_bytes"] > args.chunk_size:
                    return ok({"error": "Chunk size too large"}, 400)
                if not part["sha1_ok"]:
                    return ok({"error": "Checksum mismatch"}, 400)
            if len(self.parts or []) > args.chunks_per_request:
                return ok({"error": "Too many chunks"}, 400)
            if sum(p["plain_bytes"] for p in self.parts or []) > args.max_request:
                return ok({"error": "Request too large"}, 400)
            for part in self.parts or []:
                if state.lose > 0:
                    state.lose -= 1
                else:
                    state.chunks[part["filename"]] = part["plain"]
            return 200, None, None, None
        m = re.fullmatch(r"/organizations/([^/]+)/artifactbundle/assemble/", rest)
        if m and method == "POST":
            if m[1] != args.org:
                return ok({"detail": "The requested resource does not exist"}, 404)
            extra = set(body) - {"checksum", "chunks", "projects", "version", "dist"}
            need = [k for k in ("checksum", "chunks", "projects") if k not in body]
            if extra or need:
                return ok({"error": f"unexpected {sorted(extra)}, missing {need}"}, 400)
            if not body["projects"]:
                return ok({"error": "You need to specify at least one project"}, 400)
            if any(p.startswith("missing") for p in body["projects"]):
                return ok({"error": "One or more projects are invalid"}, 400)
            if "/" in (body.get("version") or ""):
                return ok({"error": f"'{body['version']}' does not match '^[^/]+$'"}, 400)
            if body.get("dist") and not body.get("version"):
                return ok({"error": "You need to specify a release together with a dist"}, 400)
            chunks, checksum = body["chunks"], body["checksum"]
            missing = [c for c in dict.fromkeys(chunks) if c not in state.chunks]
            if missing and "artifact_bundles_v2" in args.accept.split(","):
                return ok({"state": "not_found", "missingChunks": missing})
            if checksum not in state.assembles:
                if not chunks:
                    return ok({"state": "not_found", "missingChunks": []})
                if missing:
                    state.assembles[checksum] = {"left": ["created", "error"], "detail": "Not all chunks available for assembling"}
                else:
                    detail = self.assemble(state, body)
                    left = args.states.split(",")
                    if detail:
                        left = [s for s in left if s != "ok"] + ["error"]
                    state.assembles[checksum] = {"left": left, "detail": detail or (args.detail or None)}
            job = state.assembles[checksum]
            now_state = job["left"].pop(0) if len(job["left"]) > 1 else job["left"][0]
            answer = {"state": now_state, "missingChunks": []}
            if now_state in ("ok", "error"):
                answer["detail"] = job["detail"] if now_state == "error" else None
            return ok(answer)
        m = re.fullmatch(r"/projects/([^/]+)/([^/]+)/files/artifact-bundles/", rest)
        if m and method == "GET":
            query = params.get("query", [""])[0]
            rows = [b for b in state.bundles.values() if m[2] in b["request"]["projects"] and self.bundle_matches(b, query)]
            return ok([{"bundleId": b["bundleId"],
                        "associations": [{"release": b["release"], "dist": b["dist"]}] if b["release"] else [],
                        "fileCount": len(b["manifest"]["files"]), "dateModified": b["date"], "date": b["date"]}
                       for b in reversed(rows)], headers={"Link": self.no_next(base, API + rest)})
        m = re.fullmatch(r"/projects/([^/]+)/([^/]+)/artifact-bundles/([^/]+)/files/", rest)
        if m and method == "GET":
            for b in state.bundles.values():
                if b["bundleId"] == m[3]:
                    kinds = {"source": 1, "minified_source": 2, "source_map": 3, "indexed_ram_bundle": 4}
                    files = [{"id": base64.urlsafe_b64encode(p.encode()).decode(), "fileType": kinds.get(i.get("type"), 0),
                              "filePath": i.get("url"), "fileSize": b["sizes"].get(p),
                              "debugId": {k.lower(): v for k, v in (i.get("headers") or {}).items()}.get("debug-id")}
                             for p, i in sorted(b["manifest"]["files"].items())]
                    return ok({"bundleId": b["bundleId"], "associations": [{"release": b["release"], "dist": b["dist"]}] if b["release"] else [],
                               "files": files}, headers={"Link": self.no_next(base, API + rest)})
            return ok({"error": f"The artifact bundle with {m[3]} is not bound to this project or doesn't exist"}, 400)
        m = re.fullmatch(r"/projects/([^/]+)/([^/]+)/artifact-lookup/", rest)
        wanted = params.get("debug_id", [""])[0]
        if m and method == "GET" and wanted:
            found = [b for b in state.bundles.values() if m[2] in b["request"]["projects"] and self.bundle_matches(b, wanted)]
            return ok([{"id": f"artifact_bundle/{at}", "type": "bundle", "url": "", "resolved_with": "debug-id"} for at, _ in enumerate(found)])
        return None

    @staticmethod
    def bundle_matches(bundle, query):
        if not query:
            return True
        ids = {str(v) for i in bundle["manifest"]["files"].values() for k, v in (i.get("headers") or {}).items() if k.lower() == "debug-id"}
        return query in {bundle["release"], bundle["dist"], bundle["bundleId"], *ids}

    def assemble(self, state, body):
        """None if the bundle is right, else what is wrong with it; it is kept in both cases."""
        data = b"".join(state.chunks[c] for c in body["chunks"])
        folder = state.args.bundles
        if folder:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, body["checksum"] + ".zip"), "wb") as f:
                f.write(data)
            with open(os.path.join(folder, body["checksum"] + ".json"), "w", encoding="utf-8") as f:
                json.dump(body, f)
        if len(data) > state.args.max_file:
            return "File exceeds maximum size"
        if hashlib.sha1(data).hexdigest() != body["checksum"]:
            return "Reported checksum mismatch"
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
            manifest = json.loads(archive.read("manifest.json").decode("utf-8"))
            sizes = {i.filename: i.file_size for i in archive.infolist()}
            bad = [i.filename for i in archive.infolist() if i.compress_type not in (0, 8)]
        except Exception:  # whatever it is, the server says the same
            return "the bundle is invalid"
        if bad and state.args.reject == "zstd":
            return "the bundle is invalid"
        for name in manifest.get("files", {}):
            if name not in sizes:
                return f"mock: the manifest names {name}, which is not in the archive"
        release = body.get("version") or manifest.get("release")
        dist = body.get("dist") or manifest.get("dist")
        ids = [v for i in manifest.get("files", {}).values() for k, v in (i.get("headers") or {}).items() if k.lower() == "debug-id"]
        if not ids and not release:
            return "uploading a bundle without debug ids or release is prohibited"
        bundle_id = manifest.get("debug_id") or str(uuid.UUID(body["checksum"][:32]))
        state.bundles[body["checksum"]] = {"bundleId": bundle_id[:36], "checksum": body["checksum"], "bytes": len(data), "request": body,
                                           "release": release, "dist": dist, "manifest": manifest, "sizes": sizes, "date": now()}
        return None

    def bad_refs(self, state, body):
        for ref in body.get("refs") or []:
            if not any(r["name"].lower() == str(ref.get("repository", "")).lower() for r in state.repos()):
                return 400, {"refs": [f"Invalid repository names: {ref.get('repository')}"]}, None, None
        return None

    def pipeline(self, state, method, body, base, org, ok):
        cookie = self.headers.get("Cookie") or ""
        m = re.search(r"\bsc=([0-9a-f]+)", cookie)
        session = state.sessions.get(m[1]) if m else None
        if method == "POST" and body.get("action") == "initialize":
            provider = body.get("provider")
            if not provider:
                return ok({"detail": "provider is required."}, 400)
            if provider not in ("github", "gitlab", "opsgenie"):
                return ok({"detail": f"Unknown provider: {provider}"}, 404)
            key = "%08x" % (int(state.new_id()) * 2654435761 % 2**32)
            state.sessions[key] = {"provider": provider, "step": 0, "data": {}, "signature": key[::-1] * 4}
            return ok(self.step_info(state.sessions[key], base), headers={"Set-Cookie": f"sc={key}; Path=/; HttpOnly"})
        if session is None:
            return ok({"detail": "No active pipeline session."}, 404)
        if method == "GET":
            return ok(self.step_info(session, base))
        if session.get("done"):
            return ok({"detail": "No active pipeline session."}, 404)
        steps = self.steps(session["provider"])
        name, needed = steps[session["step"]]
        missing = [k for k in needed if not body.get(k)]
        if missing:
            # what the form of a step refuses comes back by field
            return ok({k: ["This field is required."] for k in missing}, 400)
        if name == "oauth_login" and body["state"] != session["signature"]:
            return ok({"status": "error", "data": {"detail": "An error occurred while validating your request."}}, 400)
        if str(body.get("apiKey", "")).startswith("bad") or str(body.get("code", "")).startswith("bad"):
            return ok({"status": "error", "data": {"detail": "The provider refused the credentials."}}, 400)
        session["data"].update(body)
        session["step"] += 1
        if session["step"] < len(steps):
            return ok({"status": "advance", **self.step_info(session, base)})
        data = session["data"]
        item = {
            "id": state.new_id(),
            "name": data.get("provider") or data.get("url") or session["provider"],
            "status": "active",
            "provider": self.provider(session["provider"]),
            "organizationId": 1,
            "organizationIntegrationStatus": "active",
            "gracePeriodEnd": None,
        }
        # installing what is there already is a re-authorization: the same id comes back
        for known in state.integrations:
            if known["provider"]["key"] == session["provider"] and known["name"] == item["name"]:
                item = known
                break
        else:
            state.integrations.append(item)
        session["done"] = True
        return ok({"status": "complete", "data": item})

    def steps(self, provider):
        # the steps, and the fields each one asks for, as the real service names them (2026)
        return {
            "github": [("oauth_login", ["code", "state"]), ("org_selection", ["installationId"])],
            "gitlab": [("installation_config", ["url", "clientId", "clientSecret"]), ("oauth_login", ["code", "state"])],
            "opsgenie": [("installation_config", ["baseUrl", "provider"])],
        }[provider]

    def step_info(self, session, base):
        steps = self.steps(session["provider"])
        name, needed = steps[min(session["step"], len(steps) - 1)]
        data = {}
        if name == "oauth_login":
            back = urllib.parse.quote(f"{base}/extensions/{session['provider']}/setup/", safe="")
            data["oauthUrl"] = (f"https://{session['provider']}.example/oauth/authorize?client_id=abc&response_type=code"
                                f"&state={session['signature']}&redirect_uri={back}")
        elif name == "org_selection":
            data["installationInfo"] = [{"installationId": "1", "githubAccount": "acme"}]
        elif session["provider"] == "opsgenie":
            data["baseUrlChoices"] = ["https://api.opsgenie.com/", "https://api.eu.opsgenie.com/"]
        return {"provider": session["provider"], "step": name, "stepIndex": session["step"], "totalSteps": len(steps), "data": data}

    def provider(self, key):
        return {"key": key, "slug": key, "name": key.capitalize(), "canAdd": True, "canDisable": False,
                "features": ["commits"] if key != "opsgenie" else ["incident-management"], "aspects": {}}

    def org(self, slug, base):
        return {"id": "1", "slug": slug, "name": slug, "dateCreated": "2020-01-01T00:00:00Z", "isEarlyAdopter": False,
                "require2FA": False, "requireEmailVerification": False, "features": [], "status": {"id": "active", "name": "active"},
                "links": {"organizationUrl": base, "regionUrl": base}, "avatar": {"avatarType": "letter_avatar", "avatarUuid": None}}

    def no_next(self, base, path):
        return (f'<{base}{path}?&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
                f'<{base}{path}?&cursor=0:100:0>; rel="next"; results="false"; cursor="0:100:0"')


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=9777)
    ap.add_argument("--port-file", help="write the port that was taken")
    ap.add_argument("--log", help="append one JSON line a request")
    ap.add_argument("--delay-ms", type=float, default=0, help="wait this long before each answer")
    ap.add_argument("--org", default="acme")
    ap.add_argument("--repo", default="acme/shop", help="the repository that the checkout belongs to")
    ap.add_argument("--repos", type=int, default=1, help="how many repositories the organization has (0: none connected)")
    ap.add_argument("--prev-commit", default="", help="last commit of the release before")
    ap.add_argument("--token", default="", help="refuse any other bearer token with 401")
    ap.add_argument("--bundles", default="", help="folder for what was assembled")
    ap.add_argument("--states", default="created,ok", help="states of one checksum, in turn; the last one stays")
    ap.add_argument("--detail", default="", help="what an error of --states says")
    ap.add_argument("--chunk-size", type=int, default=8 * 1024 * 1024)
    ap.add_argument("--chunks-per-request", type=int, default=64)
    ap.add_argument("--max-request", type=int, default=32 * 1024 * 1024)
    ap.add_argument("--max-file", type=int, default=2 * 1024 * 1024 * 1024)
    ap.add_argument("--concurrency", type=int, default=8)
    ap.add_argument("--no-gzip", action="store_true", help="offer no compression of chunks")
    ap.add_argument("--accept", default="debug_files,release_files,pdbs,sources,bcsymbolmaps,il2cpp,portablepdbs,artifact_bundles,artifact_bundles_v2")
    ap.add_argument("--upload-url", default="", help="say this URL instead of our own")
    ap.add_argument("--reject", default="", help="zstd: refuse an entry that is neither stored nor deflated, as old servers do")
    ap.add_argument("--lose-chunk", type=int, default=0, help="forget this many chunks that were taken with 200")
    ap.add_argument("--fault", type=Fault, action="append", default=[])
    args = ap.parse_args()
    server = Server((args.host, args.port), Handler)
    server.state = State(args)
    if args.port_file:
        with open(args.port_file, "w", encoding="utf-8") as f:
            f.write(str(server.server_port))
    print(f"listening on http://{args.host}:{server.server_port} delay {args.delay_ms} ms, {args.repos} repos", file=sys.stderr, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
