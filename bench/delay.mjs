// A proxy before a server: each answer is held back for some milliseconds, and what passes is counted.
import http from "node:http";

/** The addresses and counts of a proxy before `target`, such as `http://127.0.0.1:9797`. */
export async function delayed(target, milliseconds) {
  const counts = { requests: 0, writes: 0, connections: 0 };
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    counts.requests += 1;
    if (request.method !== "GET") counts.writes += 1;
    const { method, url: path, headers } = request;
    const onwards = http.request(target, { method, path, headers, agent }, (answer) => {
      const body = [];
      answer.on("data", (chunk) => body.push(chunk));
      answer.on("end", () =>
        setTimeout(() => {
          response.writeHead(answer.statusCode, answer.rawHeaders);
          response.end(Buffer.concat(body));
        }, milliseconds),
      );
    });
    onwards.on("error", () => response.destroy());
    request.pipe(onwards);
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    counts.connections += 1;
    socket.setNoDelay(true);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, counts, close };
}
