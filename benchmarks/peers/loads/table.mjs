// Medians over the rounds in the folder given: a table, and all.json beside it.
import fs from 'node:fs';
import path from 'node:path';

const folder = process.argv[2];
const busy_load = 1.5;

const systems = {
  callboard: 'Callboard',
  callboard_batch: 'Callboard, 8 requests of 50 events',
  redis: 'Redis XADD, appendfsync always',
  nats: 'NATS JetStream, sync_interval always',
  socketio_postgres: 'Socket.IO server + PostgreSQL',
  socketio_nothing: '(Socket.IO server, nothing stored)',
  socketio: 'Socket.IO',
  nchan: 'nginx + nchan',
};
const loads = {
  publish: { title: 'durable events/s, 300 B, 8 connections with 64 outstanding', rate: 'events_per_second', latency: 'latency' },
  single: { title: 'the same with 1 outstanding', rate: 'events_per_second', latency: 'latency' },
  fanout: { title: 'deliveries/s at most, one room', rate: 'deliveries_per_second', latency: 'delivery_latency' },
  paced: { title: 'deliveries/s, 50,000 asked for', rate: 'deliveries_per_second', latency: 'delivery_latency' },
};

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function row(load, system) {
  const { rate, latency } = loads[load];
  const name = new RegExp(`^${load}\\.${system}\\.\\d+\\.json$`);
  const rounds = fs
    .readdirSync(folder)
    .filter((x) => name.test(x))
    .map((x) => JSON.parse(fs.readFileSync(path.join(folder, x), 'utf8')));
  if (rounds.length === 0) return null;
  const rates = rounds.map((x) => x[rate]);
  return {
    rounds: rounds.length,
    per_second: median(rates),
    lowest: Math.min(...rates),
    highest: Math.max(...rates),
    p50_ms: median(rounds.map((x) => x[latency].p50_ms)),
    p99_ms: median(rounds.map((x) => x[latency].p99_ms)),
    lost: rounds.reduce((sum, x) => sum + (x.missing ?? 0) + (x.gaps ?? 0), 0),
  };
}

const whole = (x) => Math.round(x).toLocaleString('en');
const ms = (x) => x.toFixed(x < 10 ? 2 : 0);

function print(load, rows) {
  const ours = rows.callboard;
  const ratio = (x) => {
    if (!ours || x === ours || x === rows.callboard_batch) return '';
    return load === 'paced' ? `p99 ${(x.p99_ms / ours.p99_ms).toFixed(1)} x` : `${(ours.per_second / x.per_second).toFixed(1)} x`;
  };
  console.log(`\n| ${loads[load].title} | median | lowest to highest | p50 ms | p99 ms | missing | Callboard is better by |`);
  console.log('|---|---:|---:|---:|---:|---:|---:|');
  for (const [system, x] of Object.entries(rows)) {
    const cells = [systems[system], whole(x.per_second), `${whole(x.lowest)} to ${whole(x.highest)}`, ms(x.p50_ms), ms(x.p99_ms), whole(x.lost), ratio(x)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

const machine = JSON.parse(fs.readFileSync(path.join(folder, 'machine.json'), 'utf8'));
const all = { machine };
console.log(
  `${machine.processors} processors (${machine.model}), ${machine.memory_gib} GiB, one fsync ${ms(machine.fsync_p50_ms)} ms, ` +
    `load before ${machine.load_before.toFixed(1)}${machine.load_before > busy_load ? ': THE MACHINE WAS BUSY, trust no row with a wide spread' : ''}`,
);
for (const load of Object.keys(loads)) {
  const rows = {};
  for (const system of Object.keys(systems)) {
    const x = row(load, system);
    if (x) rows[system] = x;
  }
  if (Object.keys(rows).length === 0) continue;
  all[load] = rows;
  print(load, rows);
}
const file = path.join(folder, 'all.json');
fs.writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
console.log(`\n${file}`);
