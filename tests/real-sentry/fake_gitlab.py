"""A stand-in for a GitLab on 127.0.0.1: the routes that Sentry's own GitLab integration asks for.

It says yes to everything, but for three values of Sentry's form: application ID `denied` (the person
refuses), secret `wrong` (no access token), group `missing`. A browser gets a page to approve on,
everybody else is sent back at once. Its projects are called otherwise than their paths, and it answers
for no others: by their numbers, or their encoded paths.
"""
import json
import sys
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

PORT = int(sys.argv[1])
URL = "http://127.0.0.1:%d" % PORT
USER = {"id": 9, "username": "ada", "email": "ada@example.test", "name": "Ada"}
GROUP = {
    "id": 4,
    "name": "Acme Inc",
    "full_name": "Acme Inc",
    "full_path": "acme",
    "web_url": URL + "/groups/acme",
    "avatar_url": None,
}
PROJECTS = [
    {
        "id": number,
        "path": path,
        "path_with_namespace": "acme/" + path,
        "name": name,
        "name_with_namespace": "Acme Inc / " + name,
        "web_url": URL + "/acme/" + path,
    }
    for number, path, name in [(7, "web", "Web"), (12, "api-server", "The API"), (15, "webhooks", "Hooks")]
]
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


def search(text):
    """The projects whose name or last part of the path has this text."""
    found = [one for one in PROJECTS if text.lower() in (one["path"] + "\n" + one["name"]).lower()]
    return 200, found


def project(identifier):
    """The project of this number or encoded path; None where there is none."""
    for one in PROJECTS:
        if identifier in (str(one["id"]), quote(one["path_with_namespace"], safe="")):
            return one
    return None


def api(path, fields):
    """The answer to an API request: status, JSON."""
    if path == "/user":
        return 200, USER
    if path == "/projects" or path.startswith("/groups/") and path.endswith("/projects"):
        return search(fields.get("search", "")) if fields.get("page", "1") == "1" else (200, [])
    if path.startswith("/groups/"):
        return (404, {"message": "404 Group Not Found"}) if path == "/groups/missing" else (200, GROUP)
    if not path.startswith("/projects/"):
        return 404, {"message": "404 Not Found"}
    identifier, _, rest = path[len("/projects/") :].partition("/")
    found = project(identifier)
    if found is None:
        return 404, {"message": "404 Project Not Found"}
    return of_project(found, rest)


def of_project(found, rest):
    """The answer to a request for this project: status, JSON."""
    if rest == "hooks" or rest.startswith("hooks/"):
        return 201, {"id": 99}
    if rest == "repository/compare":
        return 200, {"commits": COMMITS}
    if rest.endswith("/diff"):
        return 200, DIFF
    if rest == "repository/commits":
        return 200, COMMITS
    if rest.startswith("repository/commits/"):
        return 200, COMMITS[-1]
    return (200, found) if rest == "" else (404, {"message": "404 Not Found"})


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
            status, value = api(url.path.replace("/api/v4", "", 1), fields)
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
