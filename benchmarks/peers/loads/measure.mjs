// Events, times and options that all loads have in common.

/** Milliseconds of the steady clock. */
export const now = () => performance.now();

/** `--name value` pairs as an object; numbers where the default is one. */
export function options(defaults) {
  const out = { ...defaults };
  for (let i = 2; i + 1 < process.argv.length; i += 2) {
    const name = process.argv[i].replace(/^--/, '');
    if (!(name in defaults)) throw new Error(`unknown option --${name}`);
    const value = process.argv[i + 1];
    out[name] = typeof defaults[name] === 'number' ? Number(value) : value;
  }
  return out;
}

export const number_key = '"n":"';
export const number_digits = 10;

/** A function that makes the JSON text of event `n`: the shape and size that `callboard bench` sends. */
export function event_maker(prefix, bytes) {
  const run = '01890a5d-ac96-774b-bcce-b302099a8057';
  const head = `{"id":"${prefix}-`;
  const middle =
    '","type":"workflow:execution:event:created","data":{' +
    `"execution_id":"${run}","event":{"kind":"log","level":"info",${number_key}`;
  const end = '"}}}';
  const fixed = head.length + middle.length + 2 * number_digits + '","message":"'.length + end.length;
  const tail = `","message":"${'x'.repeat(Math.max(0, bytes - fixed))}${end}`;
  return (n) => {
    const digits = String(n).padStart(number_digits, '0');
    return head + digits + middle + digits + tail;
  };
}

/** Times in milliseconds, kept one by one. */
export class Latencies {
  #values = new Float32Array(1 << 16);
  #size = 0;

  add(ms) {
    if (this.#size === this.#values.length) {
      const more = new Float32Array(this.#values.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.#size++] = ms;
  }

  summary() {
    const sorted = this.#values.subarray(0, this.#size).sort();
    const at = (share) => (this.#size === 0 ? 0 : sorted[Math.min(this.#size - 1, Math.floor(share * this.#size))]);
    return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), p999_ms: at(0.999), max_ms: at(1) };
  }
}
