"""An event store without events on 127.0.0.1: it answers every query of Sentry's with no rows.

Sentry's release pages ask it for first seen, last seen and session health, and use what PostgreSQL
has where the answer is empty. Sentry checks the column names in `meta`, so they are read from the
query: SELECT a AS `x`, b BY c, d WHERE …
"""
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SELECT = re.compile(r"\bSELECT\b")
AFTER_COLUMNS = re.compile(r"\b(WHERE|HAVING|ORDER BY|LIMIT|GRANULARITY|TOTALS|OFFSET|ARRAY JOIN)\b")


def split_columns(text):
    """Splits at the commas that stand outside brackets and backticks."""
    columns, depth, quoted = [""], 0, False
    for char in text:
        if char == "`":
            quoted = not quoted
        elif not quoted:
            depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0 and not quoted:
            columns.append("")
        else:
            columns[-1] += char
    return [column.strip() for column in columns if column.strip()]


def name(column):
    alias = re.search(r"\bAS `?([^`]+?)`?$", column)
    return alias.group(1) if alias else column.strip("`")


def result(query):
    """The names of the query's columns, and its rows."""
    if not SELECT.search(query):
        return [], []
    columns = AFTER_COLUMNS.split(SELECT.split(query, 1)[1], 1)[0]
    selected, _, grouped = (split_columns(part) for part in columns.partition(" BY "))
    names = [name(column) for column in selected + grouped]
    # Aggregates without a grouping are one row, of an empty table too.
    is_one_row = not grouped and all(re.match(r"\w+\(", column) for column in selected)
    return names, [dict.fromkeys(names, 0)] if is_one_row else []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names, rows = result(request.get("query", ""))
        meta = [{"name": column, "type": "UInt64"} for column in names]
        answer = {"data": rows, "meta": meta, "totals": {}, "timing": {}, "profile": None}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
