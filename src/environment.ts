import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { TokenCredential } from '@azure/identity';
import type { Vouching } from './domain/approval.ts';
import { TroubleError } from './domain/trouble.ts';
import type { Azure, Clock, Documents, Exchange, Log, Ports } from './ports.ts';
import { createBlobDocuments } from './reports/blob.ts';
import { createDirectoryDocuments } from './reports/directory.ts';

/** App settings and environment variables that the app reads; docs/settings.md lists them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface WorldOptions {
  environment: Environment;
  clock?: Clock;
  log?: Log;
  /** Trust only this authority (PEM) for ARM: simulated Azure's. */
  ca?: string;
  /** Who approves, where the command line vouches for it. */
  approver?: string;
  /** Told of every request to ARM and to API servers, and its answer. */
  onExchange?: (exchange: Exchange) => void;
}

/**
 * The real world behind the ports, as the environment describes it. The SDKs are loaded by the
 * first activity that needs them: what only registers functions or answers HTTP starts without.
 */
export function portsFromEnvironment(options: WorldOptions): Ports {
  const { environment } = options;
  const clock = options.clock ?? { now: () => Date.now(), sleep: setTimeout };
  const log = options.log ?? logLines;
  const credential = lateCredential(environment['AZURE_CLIENT_ID']);
  const azure = once(async () => {
    const { createAzure } = await import('./azure/azure.ts');
    const { createCommandKubernetes, createKubernetes } =
      await import('./kubernetes/kubernetes.ts');
    const { ca, onExchange } = options;
    const told = onExchange === undefined ? {} : { onExchange };
    return createAzure({
      credential,
      armEndpoint: environment['REBOOT_ARM_ENDPOINT'] ?? 'https://management.azure.com',
      connect: {
        api: (access) => createKubernetes(access, told),
        runCommand: createCommandKubernetes,
      },
      clock,
      log,
      ...told,
      ...(ca === undefined ? {} : { ca }),
    });
  });
  const prometheus = once(async () => {
    const { createPrometheus } = await import('./prometheus/prometheus.ts');
    const audience = environment['REBOOT_PROMETHEUS_AUDIENCE'];
    return createPrometheus({ credential, ...(audience === undefined ? {} : { audience }) });
  });
  return {
    clock,
    log,
    azure: lateAzure(azure),
    prometheus: { query: async (question) => (await prometheus()).query(question) },
    vouching: vouchingFrom(environment, options.approver),
    documents: documentsFrom(environment, credential),
    settingsText: () => settingsTextFrom(environment),
    runtime: process.version,
    randomHex: (digits) => randomBytes(digits).toString('hex').slice(0, digits),
  };
}

/** App Service sets the variable while its authentication is on. */
function vouchingFrom(environment: Environment, approver: string | undefined): Vouching {
  if (approver !== undefined) return { kind: 'local', who: approver };
  const isOn = environment['WEBSITE_AUTH_ENABLED']?.toLowerCase() === 'true';
  return { kind: isOn ? 'easyAuth' : 'nobody' };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function lateCredential(clientId: string | undefined): TokenCredential {
  const credential = once(async () => {
    const { DefaultAzureCredential } = await import('@azure/identity');
    return new DefaultAzureCredential(
      clientId === undefined ? {} : { managedIdentityClientId: clientId },
    );
  });
  return { getToken: async (...asked) => (await credential()).getToken(...asked) };
}

function lateAzure(azure: () => Promise<Azure>): Azure {
  return {
    cluster: async (...asked) => (await azure()).cluster(...asked),
    instances: async (...asked) => (await azure()).instances(...asked),
    instance: async (...asked) => (await azure()).instance(...asked),
    skewSeconds: async () => (await azure()).skewSeconds(),
    permissions: async (...asked) => (await azure()).permissions(...asked),
    startScript: async (...asked) => (await azure()).startScript(...asked),
    pollScript: async (...asked) => (await azure()).pollScript(...asked),
    startRestart: async (...asked) => (await azure()).startRestart(...asked),
    pollRestart: async (...asked) => (await azure()).pollRestart(...asked),
    access: async (...asked) => (await azure()).access(...asked),
    alerts: async (...asked) => (await azure()).alerts(...asked),
    kubernetes: async (...asked) => (await azure()).kubernetes(...asked),
  };
}

async function settingsTextFrom(environment: Environment): Promise<string> {
  const file = environment['REBOOT_SETTINGS_FILE'];
  const text = environment['REBOOT_SETTINGS'];
  if (text !== undefined) return text;
  if (file !== undefined) return readFile(file, 'utf8');
  const value = 'neither REBOOT_SETTINGS nor REBOOT_SETTINGS_FILE is set';
  throw new TroubleError({ kind: 'invalid', value });
}

/** A directory if one is named; else blobs, in the storage account that the Functions host uses. */
function documentsFrom(environment: Environment, credential: TokenCredential): Documents {
  const directory = environment['REBOOT_REPORTS_DIR'];
  if (directory !== undefined) return createDirectoryDocuments(directory);
  const container = environment['REBOOT_REPORTS_CONTAINER'] ?? 'reboot-reports';
  const connectionString = environment['AzureWebJobsStorage'];
  if (connectionString !== undefined) return createBlobDocuments({ connectionString, container });
  const account = environment['AzureWebJobsStorage__accountName'];
  const service =
    environment['AzureWebJobsStorage__blobServiceUri'] ??
    (account && `https://${account}.blob.core.windows.net`);
  if (service !== undefined) return createBlobDocuments({ service, credential, container });
  throw new Error(
    'nowhere to keep reports: set REBOOT_REPORTS_DIR, AzureWebJobsStorage__blobServiceUri ' +
      'or AzureWebJobsStorage',
  );
}

/**
 * One JSON object a line on standard output, which the Functions host hands to Application
 * Insights.
 */
const logLines: Log = (entry) => {
  if (entry.level === 'debug') return;
  console.log(JSON.stringify(entry));
};
