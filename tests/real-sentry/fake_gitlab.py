"""A stand-in for a GitLab on 127.0.0.1: the routes that Sentry's own GitLab integration asks for.

It says yes to everything, but for three values of Sentry's form: application ID `denied` (the person
refuses), secret `wrong` (no access token), group `missing`. A browser gets a page to approve on,
everybody else is sent back at once.
"""
import json
import sys
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

PORT = int(sys.argv[1])
URL = "http://127.0.0.1:%d" % PORT
USER = {"id": 9, "username": "ada", "email": "ada@example.test", "name": "Ada"}
GROUP = {
    "id": 4,
    "name": "acme",
    "full_name": "acme",
    "full_path": "acme",
    "web_url": URL + "/groups/acme",
    "avatar_url": None,
}
PROJECT = {
    "id": 7,
    "path_with_namespace": "acme/web",
    "name_with_namespace": "acme / web",
    "web_url": URL + "/acme/web",
}
TOKEN = {
    "access_token": "at",
    "refresh_token": "rt",
    "token_type": "bearer",
    "created_at": 1700000000,
    "scope": "api",
}
COMMITS = [
    {
        "id": letter * 40,
        "title": title,
        "message": title,
        "author_name": "Ada",
        "author_email": "ada@example.test",
        "created_at": day + "T10:00:00.000+00:00",
    }
    for letter, title, day in [("a", "one", "2026-11-18"), ("b", "two", "2026-11-19")]
]
DIFF = [
    {
        "new_file": False,
        "deleted_file": False,
        "renamed_file": False,
        "old_path": "src/a.js",
        "new_path": "src/a.js",
    }
]


def oauth(path, fields):
    """The answer to an OAuth request: status, JSON, where to."""
    if path == "/oauth/token":
        if fields["client_secret"] == "wrong":
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed."}, None
        return 200, TOKEN, None
    return 302, {}, back(fields, fields["client_id"] != "denied")


def back(fields, approved):
    """Where the person goes from here."""
    answer = {"code": "c0de"} if approved else {"error": "access_denied"}
    return fields["redirect_uri"] + "?" + urlencode({**answer, "state": fields["state"]})


def approval(fields):
    """The page on which a person decides."""
    links = [(back(fields, True), "Authorize"), (back(fields, False), "Deny")]
    return "<!doctype html><title>Authorize Sentry?</title>" + " ".join(
        '<a href="%s">%s</a>' % (escape(url), word) for url, word in links
    )


def api(path, page):
    """The answer to an API request: status, JSON."""
    if path == "/user":
        return 200, USER
    if path == "/projects" or path.startswith("/groups/") and path.endswith("/projects"):
        return 200, [PROJECT] if page == "1" else []
    if path.startswith("/groups/"):
        return (404, {"message": "404 Group Not Found"}) if path == "/groups/missing" else (200, GROUP)
    if path.endswith("/hooks"):
        return 201, {"id": 99}
    if path.endswith("/compare"):
        return 200, {"commits": COMMITS}
    if path.endswith("/diff"):
        return 200, DIFF
    if path.endswith("/repository/commits"):
        return 200, COMMITS
    if "/repository/commits/" in path:
        return 200, COMMITS[-1]
    if path.startswith("/projects/"):
        return 200, PROJECT
    return 404, {"message": "404 Not Found"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        url = urlsplit(self.path)
        fields = dict(parse_qsl(url.query or body))
        if url.path == "/oauth/authorize" and "text/html" in self.headers.get("Accept", ""):
            return self.send(200, "text/html", approval(fields))
        location = None
        if url.path.startswith("/oauth/"):
            status, value, location = oauth(url.path, fields)
        else:
            status, value = api(url.path.replace("/api/v4", "", 1), fields.get("page", "1"))
        self.send(status, "application/json", json.dumps(value), location)

    def send(self, status, kind, text, location=None):
        content = text.encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
