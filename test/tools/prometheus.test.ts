/** The real Prometheus: what it answers, and what the gate makes of it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrometheus } from '../../src/prometheus/prometheus.ts';
import { shop } from '../support/fleets.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { outcomeOf, wordsOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

const ten = '10';
let directory: string;
let target: Server;
let server: ChildProcess;
let url: string;
/** What the scraped target says of itself. */
let errors = 0;

const portOf = (listening: Server) => (listening.address() as AddressInfo).port;
const listening = (given: Server) =>
  new Promise<void>((resolve) => void given.listen(0, '127.0.0.1', resolve));
const pause = () => new Promise((resolve) => void setTimeout(resolve, 200));

/** Asks until the answer is right; real Prometheus lives by the real clock. */
async function eventually<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await ask();
      if (isRight(answer) || tries > 150) return answer;
    } catch (error) {
      if (tries > 150) throw error;
    }
    await pause();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await listening(probe);
  const port = portOf(probe);
  await new Promise((resolve) => void probe.close(resolve));
  return port;
}

const rules = `
groups:
  - name: shop
    rules:
      - { alert: ShopErrors, expr: shop_errors > 3, labels: { severity: page } }
      - { alert: ShopErrorsForLong, expr: shop_errors > 3, for: 1h }
`;
const configuration = (port: number) => `
global: { scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms }
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prometheus-'));
  target = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(`# TYPE shop_errors gauge\nshop_errors ${errors}\n`);
  });
  await listening(target);
  await writeFile(join(directory, 'rules.yml'), rules);
  await writeFile(join(directory, 'prometheus.yml'), configuration(portOf(target)));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const flags = [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  server = spawn('prometheus', flags, { stdio: 'ignore' });
  await new Promise<void>((resolve, reject) => {
    server.once('spawn', resolve);
    server.once('error', () =>
      reject(
        new Error('prometheus is not on the PATH: these tests need it (apt install prometheus)'),
      ),
    );
  });
});

afterAll(async () => {
  const ended = new Promise((resolve) => void server.once('exit', resolve));
  server.kill('SIGKILL');
  await ended;
  target.close();
  await rm(directory, { recursive: true, force: true });
});

const adapter = createPrometheus({ credential: { getToken: () => Promise.resolve(null) } });
const ask = (query: string) => adapter.query({ url, auth: 'none', query });
const alertsFiring = () => ask('ALERTS{alertstate="firing"}');
const valuesOf = async (query: string) => (await ask(query)).samples.map(({ value }) => value);

describe('Prometheus', () => {
  it('answers vectors, scalars and ranges, and refuses what is no query', async () => {
    await eventually(
      () => valuesOf('shop_errors'),
      ({ length }) => length === 1,
    );
    expect(await valuesOf('shop_errors')).toEqual(['0']);
    expect(await valuesOf('shop_errors > 3')).toEqual([]);
    expect(await ask('scalar(shop_errors) + 2')).toEqual({
      kind: 'scalar',
      samples: [{ labels: {}, value: '2' }],
    });
    expect((await ask('shop_errors[1m]')).samples.map(({ value }) => value)).toEqual(['0']);
    expect(await valuesOf('vector(0) / 0')).toEqual(['NaN']);
    await expect(ask('shop_errors >')).rejects.toThrow(/400 .*parse error/u);
    await expect(ask('"text"')).rejects.toThrow('no result of an instant query');
  });

  it('says which alerts fire and which are pending, and no longer when they are resolved', async () => {
    errors = 7;
    await eventually(alertsFiring, ({ samples }) => samples.length > 0);
    const firing = (await alertsFiring()).samples.map(({ labels }) => labels['alertname']);
    expect(firing).toEqual(['ShopErrors']);
    const all = (await ask('ALERTS')).samples.map(
      ({ labels }) => `${labels['alertname']} ${labels['alertstate']}`,
    );
    expect(all.sort()).toEqual(['ShopErrors firing', 'ShopErrorsForLong pending']);
    errors = 0;
    await eventually(alertsFiring, ({ samples }) => samples.length === 0);
    expect((await ask('ALERTS')).samples).toEqual([]);
  });

  it('keeps a node in service while an alert fires, and lets it go when it is resolved', async () => {
    errors = 7;
    await eventually(alertsFiring, ({ samples }) => samples.length > 0);
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start({
      settings: {
        defaults: {
          prometheusUrl: url,
          prometheusAllowHttp: true,
          prometheusAlerts: 'firing',
          prometheusQueries: [{ name: 'many errors', query: `shop_errors > ${ten}` }],
        },
      },
    });
    const [node] = rehearsal.nodes();
    const held = await app.run();
    expect(outcomeOf(held, node)).toBe('deferred: prometheus');
    expect(wordsOf(held, node)).toBe('the alert ShopErrors is firing');
    errors = 0;
    await eventually(alertsFiring, ({ samples }) => samples.length === 0);
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});
