// A relay before a server that holds each answer back for a while, as a network would, and counts.
//
//   node bench/delay.mjs TO-PORT MILLISECONDS [LISTEN-PORT]
//
// prints the port that it listens on, and at SIGTERM what passed, as a line of JSON. Bytes pass as
// they are: only where a request begins is looked at, which is where the client speaks after the
// server has. No client here sends a second request before the first one is answered.
import net from "node:net";
import { pathToFileURL } from "node:url";

// Starts a relay to a port of this machine; `port`, `count` since the last `reset()`, `close()`.
export function relay(to, milliseconds, listen = 0) {
  const count = { requests: 0, connections: 0, lines: [] };
  const sockets = new Set();
  const server = net.createServer({ noDelay: true }, (client) => {
    count.connections += 1;
    pass(client, net.connect({ port: to, host: "127.0.0.1", noDelay: true }), milliseconds, count);
    sockets.add(client);
    client.on("close", () => sockets.delete(client));
  });
  const close = () => (sockets.forEach((socket) => socket.destroy()), server.close());
  const reset = () => Object.assign(count, { requests: 0, connections: 0, lines: [] });
  return new Promise((ready) =>
    server.listen(listen, "127.0.0.1", () =>
      ready({ port: server.address().port, count, reset, close }),
    ),
  );
}

function pass(client, server, milliseconds, count) {
  let answered = true;
  client.on("data", (bytes) => {
    if (answered) {
      count.requests += 1;
      count.lines.push(bytes.toString("latin1", 0, bytes.indexOf("\r\n")));
    }
    answered = false;
    server.write(bytes);
  });
  server.on("data", (bytes) => {
    const goesOn = bytes.toString("latin1", 9, 12) === "100";
    answered ||= !goesOn;
    later(() => client.write(bytes), milliseconds);
  });
  client.on("end", () => server.end());
  server.on("end", () => later(() => client.end(), milliseconds));
  // A side that broke off takes the other with it.
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
  client.on("close", () => server.destroy());
}

// Timers of one length go off in the order in which they were set, so bytes stay in order.
function later(act, milliseconds) {
  if (milliseconds > 0) setTimeout(act, milliseconds);
  else act();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [to, milliseconds, listen] = process.argv.slice(2).map(Number);
  const { port, count, close } = await relay(to, milliseconds, listen ?? 0);
  console.log(port);
  process.on("SIGTERM", () => {
    const { requests, connections } = count;
    console.log(JSON.stringify({ requests, connections }));
    close();
    process.exit(0);
  });
}
