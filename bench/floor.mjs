// The least that a server can do for a release and its deploy: it reads a request, answers with a
// fixed body, and keeps the connection. What a client takes against it is the client's own cost.
import http from "node:http";

const RELEASE = JSON.stringify({ id: 1, version: "1", projects: [], commitCount: 0, lastDeploy: null });
const DEPLOY = JSON.stringify({ id: "1", environment: "production", name: null, url: null });

// Starts it on a port of its own; `port` and `close()`.
export function floor() {
  const server = http.createServer({ keepAlive: true }, (request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(201, { "Content-Type": "application/json" });
      response.end(request.url.endsWith("/deploys/") ? DEPLOY : RELEASE);
    });
  });
  return new Promise((ready) =>
    server.listen(0, "127.0.0.1", () =>
      ready({ port: server.address().port, close: () => server.close() }),
    ),
  );
}
