/** `aks-reboot azure` as a process of its own, and what it prints and writes for others. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditLine } from '../../local/azure/audit.ts';
import { startCommand } from './stage.ts';

export interface Standalone extends AsyncDisposable {
  directory: string;
  /** What the file that it tells people to source sets. */
  environment: Record<string, string>;
  kubeconfig: string;
  audit(): AuditLine[];
  /** Ends it as Ctrl-C does; its exit code. */
  stop(): Promise<number | undefined>;
}

/** @param speed times as fast as real */
export async function standalone(fleet: object, speed: number): Promise<Standalone> {
  const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-e2e-'));
  const fleetFile = join(directory, 'fleet.json');
  writeFileSync(fleetFile, JSON.stringify(fleet));
  const audit = join(directory, 'audit.jsonl');
  const fixed = ['azure', '--port', '0', '--speed', String(speed)];
  const files = ['--fleet', fleetFile, '--audit', audit, '--dir', directory];
  const command = startCommand([...fixed, ...files]);
  const [, sourced = ''] = await command.printed(/^ {2}\. (\S+)$/mu);
  const [, kubeconfig = ''] = await command.printed(/--kubeconfig (\S+) get nodes/u);
  const assignments = readFileSync(sourced, 'utf8').matchAll(/^export (\w+)='(.*)'$/gmu);
  const stop = async () => {
    command.kill('SIGINT');
    return (await command.ended).code;
  };
  return {
    directory,
    environment: Object.fromEntries([...assignments].map(([, name, value]) => [name, value])),
    kubeconfig,
    audit: () =>
      readFileSync(audit, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditLine),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
