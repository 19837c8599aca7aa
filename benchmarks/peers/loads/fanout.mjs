// One publisher, many viewers of one room, on Socket.IO or nginx+nchan. Without a
// rate, an event counts as under way until all viewers have it: the peers' queues
// have no bound, so a publisher that only waited for answers would measure how
// fast they grow.
import { LeanSocket } from './lean_socket.mjs';
import { Latencies, event_maker, now, number_digits, number_key, options } from './measure.mjs';
import { SocketIoSocket } from './socketio_socket.mjs';

const x = options({
  to: 'socketio',
  port: 0,
  viewers: 1000,
  outstanding: 16,
  rate: 0,
  bytes: 300,
  seconds: 8,
  warmup: 2,
});
const opened_at_once = 20;

const ways = {
  socketio: {
    async viewer(on_event) {
      const socket = await SocketIoSocket.open(x.port);
      await socket.call('subscribe', '"project:bench"');
      socket.on_event = on_event;
    },
    async publisher() {
      const socket = await SocketIoSocket.open(x.port);
      return (n, text) => socket.emit(n, 'publish', text);
    },
  },
  nchan: {
    async viewer(on_event) {
      (await LeanSocket.open(x.port, '/subscribe/bench')).on_text = on_event;
    },
    async publisher() {
      const socket = await LeanSocket.open(x.port, '/publish/bench');
      return (n, text) => socket.send(text);
    },
  },
};

const due = new Float64Array(1 << 22); // by event number
const latencies = new Latencies();
let number_at = -1; // where in a frame the event's number is
let deliveries = 0;
let measured = 0;
let gaps = 0;
let measure_from = Infinity;
let measure_until = Infinity;

function number_of(buffer, begin, end) {
  if (number_at < 0) number_at = buffer.subarray(begin, end).indexOf(number_key) + number_key.length;
  let n = 0;
  for (let at = begin + number_at, i = 0; i < number_digits; ++i) n = n * 10 + buffer[at + i] - 0x30;
  return n;
}

function make_viewer() {
  let last = 0;
  return (buffer, begin, end) => {
    const at = now();
    const n = number_of(buffer, begin, end);
    if (n !== last + 1) ++gaps;
    last = n;
    ++deliveries;
    if (at >= measure_from && at < measure_until) ++measured;
    if (due[n] >= measure_from) latencies.add(at - due[n]);
    if (x.rate === 0 && deliveries % x.viewers === 0) send_due();
  };
}

const make_event = event_maker('bench', x.bytes);
let publish;
let sent = 0;
let begun = 0;

function send(at) {
  due[++sent] = at;
  publish(sent, make_event(sent));
}

function send_due() {
  const at = now();
  if (at >= measure_until) return;
  if (x.rate === 0) {
    while (sent - Math.floor(deliveries / x.viewers) < x.outstanding) send(at);
    return;
  }
  for (let next = begun + (sent * 1000) / x.rate; next <= at; next = begun + (sent * 1000) / x.rate) send(next);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (let i = 0; i < x.viewers; i += opened_at_once) {
  const some = Math.min(opened_at_once, x.viewers - i);
  await Promise.all(Array.from({ length: some }, () => ways[x.to].viewer(make_viewer())));
}
publish = await ways[x.to].publisher();
begun = now();
measure_from = begun + x.warmup * 1000;
measure_until = measure_from + x.seconds * 1000;
while (now() < measure_until) {
  send_due();
  await sleep(1);
}
for (const given_up = now() + 20_000; deliveries < sent * x.viewers && now() < given_up; ) await sleep(10);
const missing = sent * x.viewers - deliveries;
console.log(
  JSON.stringify({
    ...x,
    deliveries: measured,
    deliveries_per_second: measured / x.seconds,
    published: sent,
    missing,
    gaps,
    delivery_latency: latencies.summary(),
  }),
);
process.exit(0);
