// The published client's browser build in a real browser: a page from another
// origin, as a front end's is.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { spawn, spawnSync } = require('node:child_process');
const { Node, course, token, told, within } = require('./support.js');

const names = process.env.CHROMIUM ? [process.env.CHROMIUM] : ['chromium', 'chromium-browser', 'google-chrome'];
const browser = names.find((x) => spawnSync(x, ['--version']).status === 0);
const library = path.join(path.dirname(require.resolve('@microsoft/signalr/package.json')),
  'dist', 'browser', 'signalr.js');

/** Serves the page, publishes for it, and takes its report. */
class PageServer {
  constructor() {
    this.report = new Promise((resolve) => { this.reported = resolve; });
    this.server = http.createServer((request, response) => {
      this.answer(request, new URL(request.url, 'http://page'))
        .then((x) => { response.writeHead(200, { 'content-type': x.type }); response.end(x.body); })
        .catch((error) => { response.writeHead(500); response.end(String(error)); });
    });
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async answer(request, url) {
    switch (url.pathname) {
      case '/':
        return { type: 'text/html', body: fs.readFileSync(path.join(__dirname, 'page.html')) };
      case '/signalr.js':
        return { type: 'text/javascript', body: fs.readFileSync(library) };
      case '/config':
        return { type: 'application/json', body: JSON.stringify({ url: this.node.url, token: token() }) };
      case '/publish':
        await this.node.publish(course(url.searchParams.get('id'), 2));
        return { type: 'text/plain', body: '' };
      case '/report': {
        let text = '';
        for await (const part of request) text += part;
        this.reported(JSON.parse(text));
        return { type: 'text/plain', body: '' };
      }
      default:
        return { type: 'text/plain', body: '' };
    }
  }

  stop() {
    this.server.closeAllConnections?.();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

test('a page in a browser executes and watches workflows over each transport',
  { skip: browser ? false : 'no chromium is installed' }, async () => {
    const page = await new PageServer().start();
    page.node = await new Node({ CALLBOARD_LISTEN_CORS_ORIGIN: page.origin }).start();
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'callboard-browser-'));
    const child = spawn(browser, ['--headless=new', '--no-sandbox', '--disable-gpu',
      '--disable-dev-shm-usage', '--no-first-run', `--user-data-dir=${profile}`, page.origin]);
    let errors = '';
    child.stderr.on('data', (x) => { errors += x; });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    try {
      const report = await within(page.report, `the page's report; the browser says ${errors}`, 90_000);
      for (const name of ['WebSockets', 'ServerSentEvents', 'LongPolling']) {
        const seen = report[name];
        assert.equal(seen.error, undefined, `${name}: ${seen.error}`);
        assert.match(seen.id, /^[0-9a-f-]{36}$/);
        assert.deepEqual(seen.live, told(2), name);
        assert.deepEqual(seen.again, told(2), name);
        assert.equal(seen.replayed, told(2).length);
        assert.match(seen.refused, /does not exist/);
      }
    } finally {
      child.kill('SIGKILL');
      await within(gone, "the browser's end");
      await page.stop();
      await page.node.remove();
      fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });
