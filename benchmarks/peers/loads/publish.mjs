// Durable events per second into NATS JetStream, or through a Socket.IO server:
// each connection keeps so many events unacknowledged.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Latencies, event_maker, now, options } from './measure.mjs';
import { SocketIoSocket } from './socketio_socket.mjs';

const x = options({
  to: 'nats',
  port: 0,
  connections: 8,
  outstanding: 64,
  bytes: 300,
  seconds: 8,
  warmup: 2,
});

// Both open a connection and return publish(text, done).
const ways = {
  async nats() {
    const connection = await connect({ servers: `127.0.0.1:${x.port}` });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'events', subjects: ['events.>'], storage: 'file', num_replicas: 1 });
    const stream = jetstream(connection);
    return (text, done) => stream.publish('events.bench', Buffer.from(text, 'latin1')).then(done, refused);
  },
  async socketio() {
    const socket = await SocketIoSocket.open(x.port);
    const waiting = new Map();
    let number = 0;
    socket.on_ack = (acknowledged) => {
      const done = waiting.get(acknowledged);
      waiting.delete(acknowledged);
      done();
    };
    return (text, done) => {
      waiting.set(++number, done);
      socket.emit(number, 'publish', text);
    };
  },
};

function refused(error) {
  console.error(`refused: ${error.message}`);
  process.exit(1);
}

const latencies = new Latencies();
const measure_from = now() + x.warmup * 1000;
const measure_until = measure_from + x.seconds * 1000;
let events = 0;
let under_way = 0;

function keep_publishing(publish, make_event, n, all_done) {
  const sent = now();
  ++under_way;
  publish(make_event(n.value++), () => {
    --under_way;
    const at = now();
    if (at >= measure_from && at < measure_until) ++events;
    if (sent >= measure_from) latencies.add(at - sent);
    if (at < measure_until) keep_publishing(publish, make_event, n, all_done);
    else if (under_way === 0) all_done();
  });
}

const connections = [];
for (let i = 0; i < x.connections; ++i) connections.push(await ways[x.to]());
await new Promise((all_done) => {
  connections.forEach((publish, i) => {
    const make_event = event_maker(`bench-${i}`, x.bytes);
    const n = { value: 0 };
    for (let k = 0; k < x.outstanding; ++k) keep_publishing(publish, make_event, n, all_done);
  });
});
console.log(JSON.stringify({ ...x, events, events_per_second: events / x.seconds, latency: latencies.summary() }));
process.exit(0);
