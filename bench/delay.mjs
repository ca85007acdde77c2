// A relay before a server: each answer is held back for some milliseconds, as a network would, and
// what passes is counted.
//
// Bytes pass as they are, but for the server's own address, which would lead a client around the
// relay. A request begins where the client speaks after the server has: no client here sends a
// second one before the first is answered.
import net from "node:net";

/** The address and the counts of a relay before `target`, such as `http://127.0.0.1:9797`. */
export async function delayed(target, milliseconds) {
  const counts = { requests: 0, writes: 0, connections: 0 };
  const { hostname: host, port } = new URL(target);
  const sockets = new Set();
  const server = net.createServer({ noDelay: true }, (client) => {
    counts.connections += 1;
    sockets.add(client);
    client.on("close", () => sockets.delete(client));
    const upstream = net.connect({ host, port, noDelay: true });
    const own = (bytes) => readdressed(bytes, `${host}:${port}`, `${host}:${server.address().port}`);
    pass(client, upstream, (bytes) => later(() => client.write(own(bytes)), milliseconds), counts);
    upstream.on("end", () => later(() => client.end(), milliseconds));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, counts, close };
}

function pass(client, server, answer, counts) {
  let answered = true;
  client.on("data", (bytes) => {
    if (answered) {
      counts.requests += 1;
      if (bytes.toString("latin1", 0, 4) !== "GET ") counts.writes += 1;
    }
    answered = false;
    server.write(bytes);
  });
  server.on("data", (bytes) => {
    // `100 Continue` is no answer yet.
    answered ||= bytes.toString("latin1", 9, 12) !== "100";
    answer(bytes);
  });
  client.on("end", () => server.end());
  // A side that broke off takes the other with it.
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
  client.on("close", () => server.destroy());
}

/** An answer that names the relay; of the same length, as its head has told it. */
function readdressed(bytes, theirs, own) {
  if (theirs.length !== own.length || !bytes.includes(theirs)) return bytes;
  return Buffer.from(bytes.toString("latin1").replaceAll(theirs, own), "latin1");
}

/** Timers of one length go off in the order in which they were set, so bytes stay in order. */
function later(act, milliseconds) {
  if (milliseconds > 0) setTimeout(act, milliseconds);
  else act();
}
