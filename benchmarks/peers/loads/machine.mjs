// What the figures depend on: processors, how busy they are before we begin, and
// how long the disk takes for one fsync in the folder given. The second argument is
// the nats-server.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const fsyncs = 200;

function fsync_ms(folder) {
  const name = path.join(folder, 'fsync');
  const file = fs.openSync(name, 'w');
  const page = Buffer.alloc(4096, 1);
  const times = [];
  for (let i = 0; i < fsyncs; ++i) {
    const begin = performance.now();
    fs.writeSync(file, page);
    fs.fdatasyncSync(file);
    times.push(performance.now() - begin);
  }
  fs.closeSync(file);
  fs.unlinkSync(name);
  return times.sort((a, b) => a - b)[fsyncs / 2];
}

const version = (program, ...flags) => execFileSync(program, flags, { encoding: 'utf8' }).trim();

console.log(
  JSON.stringify({
    processors: os.cpus().length,
    model: os.cpus()[0].model,
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    load_before: os.loadavg()[0],
    fsync_p50_ms: fsync_ms(process.argv[2]),
    node: process.version,
    redis: version('redis-server', '--version').match(/v=(\S+)/)[1],
    nats: version(process.argv[3], '--version').split(' ').pop(),
  }),
);
