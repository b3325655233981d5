import { createWriteStream, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startAzure } from '../local/azure/azure.ts';
import type { SimulatedAzure } from '../local/azure/azure.ts';
import { compressedClock } from '../local/clock.ts';
import { clusterKey, parseClusterId } from '../src/domain/arm.ts';
import { fleetNamed } from './fleet.ts';
import { clockText } from './processClock.ts';

export interface AzureOptions {
  port: number;
  fleet: string;
  speed: number;
  seed?: number;
  audit?: string;
  dir?: string;
}

/** `aks-reboot azure`: simulated Azure alone, until a signal ends it. */
export async function azureCommand(options: AzureOptions): Promise<void> {
  const fleet = fleetNamed(options.fleet);
  const directory = resolve(options.dir ?? mkdtempSync(join(tmpdir(), 'aks-reboot-azure-')));
  mkdirSync(directory, { recursive: true });
  // At real speed it shows the real time; faster, it begins with its fleet's own evening.
  const wall = Date.now();
  const anchor = { wall, shown: options.speed === 1 ? wall : Date.parse(fleet.startsAt) };
  const audit = options.audit === undefined ? undefined : createWriteStream(options.audit);
  const azure = await startAzure({
    fleet,
    clock: compressedClock(options.speed, anchor),
    ...(options.port === 0 ? {} : { port: options.port }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    onAudit: (line) => audit?.write(`${JSON.stringify(line)}\n`),
    log: (text) => console.error(text),
  });
  const environment = writeEnvironment(azure, directory, clockText(options.speed, anchor));
  console.log(
    `Simulated Azure listens at ${azure.armEndpoint}, ${options.speed} times as fast as real`,
  );
  console.log(`\nFor aks-reboot run and serve:\n  . ${environment}`);
  for (const { id } of fleet.clusters) {
    const file = join(directory, `${keyOf(id)}.kubeconfig`);
    writeFileSync(file, await azure.kubeconfig(id), { mode: 0o600 });
    console.log(`\n${id}\n  kubectl --kubeconfig ${file} get nodes`);
  }
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await azure.stop();
  audit?.end();
}

/** A file to be sourced by a shell. */
function writeEnvironment(azure: SimulatedAzure, directory: string, clock: string): string {
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, azure.ca);
  const variables = {
    ...azure.environment('aks-reboot'),
    NODE_EXTRA_CA_CERTS: ca,
    AKS_REBOOT_CLOCK: clock,
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  const file = join(directory, 'environment');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

function keyOf(id: string): string {
  const cluster = parseClusterId(id);
  return cluster === undefined ? 'cluster' : clusterKey(cluster);
}
