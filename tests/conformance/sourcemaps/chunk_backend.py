#!/usr/bin/env python3
"""Stands in for the part of a Sentry that takes source maps: chunks, bundles, their listings, look-ups.

    chunk_backend.py --port-file FILE --bundles DIR [--accept …] [--states created,assembling,ok] …

It listens on 127.0.0.1 and keeps everything in memory; each bundle also lands in DIR as CHECKSUM.zip.
The state `ok` is given only where chunks, checksum, archive and manifest are right.

    GET  /__ctl/bundles   what was assembled, oldest first: checksum, request, manifest
    GET  /__ctl/requests  method and path of each request
    POST /__ctl/reset     forgets all of it
"""
import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import re
import threading
import time
import urllib.parse
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = "/api/0"
ACCEPT = "debug_files,release_files,artifact_bundles,artifact_bundles_v2"
TYPES = {"source": 1, "minified_source": 2, "source_map": 3, "indexed_ram_bundle": 4}
DATE = "2026-01-02T03:04:05.000000Z"
NOT_FOUND = 404, {"detail": "The requested resource does not exist"}


def debug_id(entry):
    return next((v for k, v in (entry.get("headers") or {}).items() if k.lower() == "debug-id"), None)


def read_parts(body, content_type):
    """The chunks of an upload: field, name, and the bytes before compression."""
    mark = b"--" + re.search(r'boundary="?([^";]+)"?', content_type)[1].encode()
    for part in body.split(mark)[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        names = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
        data = data.removesuffix(b"\r\n")
        yield names["name"], names["filename"], gzip.decompress(data) if names["name"] == "file_gzip" else data


class State:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        self.requests, self.chunks, self.jobs, self.bundles = [], {}, {}, {}

    def limits(self, url):
        options = self.options
        return {
            "url": options.upload_url or url, "chunkSize": options.chunk_size, "chunksPerRequest": options.chunks_per_request,
            "maxFileSize": options.max_file, "maxRequestSize": options.max_request, "concurrency": 8, "hashAlgorithm": "sha1",
            "compression": ["gzip"], "accept": options.accept.split(","),
        }

    def store(self, parts):
        parts = list(parts)
        if len(parts) > self.options.chunks_per_request:
            return 400, {"error": "Too many chunks"}
        if sum(len(data) for _, _, data in parts) > self.options.max_request:
            return 400, {"error": "Request too large"}
        for field, name, data in parts:
            if field not in ("file", "file_gzip"):
                return 400, {"error": f"unknown field {field}"}
            if len(data) > self.options.chunk_size:
                return 400, {"error": "Chunk size too large"}
            if hashlib.sha1(data).hexdigest() != name:
                return 400, {"error": "Checksum mismatch"}
        self.chunks.update((name, data) for _, name, data in parts)
        return 200, None

    def assemble(self, request):
        wrong = set(request) - {"checksum", "chunks", "projects", "version", "dist"}
        if wrong or not request.get("projects") or "chunks" not in request or "checksum" not in request:
            return 400, {"error": f"the keys are {sorted(request)}"}
        if request.get("dist") and not request.get("version"):
            return 400, {"error": "You need to specify a release together with a dist"}
        missing = [chunk for chunk in dict.fromkeys(request["chunks"]) if chunk not in self.chunks]
        if missing and "artifact_bundles_v2" in self.options.accept.split(","):
            return 200, {"state": "not_found", "missingChunks": missing}
        # As in Sentry, the first request for a checksum decides, whatever the later ones name.
        if request["checksum"] not in self.jobs:
            fault = "Not all chunks available for assembling" if missing else self.keep(request)
            states = self.options.states.split(",")
            self.jobs[request["checksum"]] = [s for s in states if s != "ok"] + ["error"] if fault else states, fault
        states, fault = self.jobs[request["checksum"]]
        state = states.pop(0) if len(states) > 1 else states[0]
        return 200, {"state": state, "missingChunks": [], "detail": fault if state == "error" else None}

    def keep(self, request):
        """Keeps a bundle; what is wrong with it, where something is."""
        data = b"".join(self.chunks[chunk] for chunk in request["chunks"])
        if len(data) > self.options.max_file:
            return "File exceeds maximum size"
        if hashlib.sha1(data).hexdigest() != request["checksum"]:
            return "Reported checksum mismatch"
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
            manifest = json.loads(archive.read("manifest.json"))
            files = {name: archive.getinfo(name).file_size for name in manifest["files"]}
        except (zipfile.BadZipFile, ValueError, KeyError):
            return "the bundle is invalid"
        release = request.get("version") or manifest.get("release")
        if not release and not any(map(debug_id, manifest["files"].values())):
            return "uploading a bundle without debug ids or release is prohibited"
        with open(os.path.join(self.options.bundles, request["checksum"] + ".zip"), "wb") as file:
            file.write(data)
        self.bundles[request["checksum"]] = {
            "checksum": request["checksum"], "request": request, "manifest": manifest, "sizes": files,
            "bundleId": manifest.get("debug_id") or str(uuid.UUID(request["checksum"][:32])),
            "associations": [{"release": release, "dist": request.get("dist") or manifest.get("dist")}] if release else [],
        }
        return None

    def list_bundles(self, project, query):
        rows = [b for b in self.bundles.values() if project in b["request"]["projects"]]
        return 200, [{"bundleId": b["bundleId"], "associations": b["associations"], "fileCount": len(b["sizes"]),
                      "dateModified": DATE, "date": DATE}
                     for b in reversed(rows) if not query or query in self.names(b)]

    @staticmethod
    def names(bundle):
        ids = {debug_id(entry) for entry in bundle["manifest"]["files"].values()}
        return ids | {bundle["bundleId"]} | {v for a in bundle["associations"] for v in a.values()}

    def list_files(self, bundle_id):
        for bundle in self.bundles.values():
            if bundle["bundleId"] == bundle_id:
                files = [{"id": base64.urlsafe_b64encode(name.encode()).decode(), "fileType": TYPES.get(entry.get("type"), 0),
                          "filePath": entry.get("url"), "fileSize": bundle["sizes"][name], "debugId": debug_id(entry)}
                         for name, entry in sorted(bundle["manifest"]["files"].items())]
                return 200, {"bundleId": bundle_id, "associations": bundle["associations"], "files": files}
        return 400, {"error": f"The artifact bundle with {bundle_id} is not bound to this project or doesn't exist"}

    def look_up(self, project, wanted):
        found = [b for b in self.bundles.values() if project in b["request"]["projects"]
                 and any(debug_id(entry) == wanted for entry in b["manifest"]["files"].values())]
        return 200, [{"id": f"artifact_bundle/{at}", "type": "bundle", "url": "", "resolved_with": "debug-id"} for at, _ in enumerate(found)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # With the headers and the body in one packet.
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        time.sleep(self.server.state.options.delay_ms / 1000)
        with self.server.state.lock:
            status, payload = self.route(url.path, dict(urllib.parse.parse_qsl(url.query)), body)
        data = b"" if payload is None else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def route(self, path, query, body):
        state = self.server.state
        if path.startswith("/__ctl/"):
            return self.control(state, path)
        state.requests.append(f"{self.command} {path}")
        if not (self.headers.get("Authorization") or "").startswith("Bearer "):
            return 401, {"detail": "Authentication credentials were not provided."}
        match = re.fullmatch(API + r"/organizations/acme/(chunk-upload|artifactbundle/assemble)/", path)
        if match and match[1] == "artifactbundle/assemble" and self.command == "POST":
            return state.assemble(json.loads(body))
        if match and self.command == "GET":
            return 200, state.limits(f"http://127.0.0.1:{self.server.server_port}{path}")
        if match:
            return state.store(read_parts(body, self.headers["Content-Type"]))
        match = re.fullmatch(API + r"/projects/acme/([^/]+)/(.*)", path)
        if not match or self.command != "GET":
            return NOT_FOUND
        if match[2] == "files/artifact-bundles/":
            return state.list_bundles(match[1], query.get("query"))
        if match[2] == "artifact-lookup/":
            return state.look_up(match[1], query.get("debug_id"))
        files = re.fullmatch(r"artifact-bundles/([^/]+)/files/", match[2])
        return state.list_files(files[1]) if files else NOT_FOUND

    @staticmethod
    def control(state, path):
        if path == "/__ctl/bundles":
            return 200, list(state.bundles.values())
        if path == "/__ctl/requests":
            return 200, state.requests
        return 200, state.reset()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", help="gets the port that was taken")
    parser.add_argument("--bundles", required=True, help="folder for what was assembled")
    parser.add_argument("--accept", default=ACCEPT)
    parser.add_argument("--states", default="created,ok", help="of one checksum, in turn; the last one stays")
    parser.add_argument("--delay-ms", type=float, default=0, help="before each answer")
    parser.add_argument("--chunk-size", type=int, default=8 << 20)
    parser.add_argument("--chunks-per-request", type=int, default=64)
    parser.add_argument("--max-request", type=int, default=32 << 20)
    parser.add_argument("--max-file", type=int, default=2 << 30)
    parser.add_argument("--upload-url", default="", help="to be told instead of our own")
    options = parser.parse_args()
    os.makedirs(options.bundles, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.state = State(options)
    if options.port_file:
        with open(options.port_file + ".new", "w", encoding="utf-8") as file:
            file.write(str(server.server_port))
        os.replace(options.port_file + ".new", options.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
