// The least that a server can do for a release and its deploy: it reads a request, answers with what was
// asked for, and keeps the connection. What a client takes at it is the client's own cost.
import http from "node:http";

const RELEASE = {
  dateReleased: "2026-01-01T00:00:00Z",
  projects: [{ slug: "web" }],
  commitCount: 0,
  deployCount: 0,
};
const DEPLOY = JSON.stringify({ id: "1", environment: "production" });

/** Starts it on a port of its own. */
export async function floor() {
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      response.writeHead(201, { "Content-Type": "application/json" });
      const version = decodeURIComponent(request.url.split("/releases/")[1]?.split("/")[0] ?? "");
      const release = () => JSON.stringify({ version, ...JSON.parse(body || "{}"), ...RELEASE });
      response.end(request.url.endsWith("/deploys/") ? DEPLOY : release());
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}
