import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BadInput } from './badInput.ts';

/**
 * Where a local installation keeps its history and its reports, and by whose name it claims
 * clusters.
 */
export interface StateDirectory {
  path: string;
  /** The SQLite file with the history. */
  history: string;
  reports: string;
  /**
   * Names this installation: who, where, which directory. The same again after its contents were
   * deleted, so that it finds its own claims and marks; another one for every other directory,
   * because two installations that don't share a lock must not share a claim.
   */
  controller: string;
}

/** The directory given, or the platform's usual place for state; made if it is not there. */
export function stateDirectory(given: string | undefined): StateDirectory {
  const path = resolve(given ?? join(usualPlace(), 'aks-reboot'));
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const place = createHash('sha256').update(path).digest('hex').slice(0, 8);
  // A container has another host name each time it is started.
  const named = process.env['AKS_REBOOT_INSTALLATION'] ?? `${userInfo().username}@${hostname()}`;
  const who = named.replaceAll(/[^A-Za-z0-9._@-]/gu, '-');
  return {
    path,
    history: join(path, 'history.sqlite'),
    reports: join(path, 'reports'),
    controller: `${who.slice(0, 80)}:${place}`,
  };
}

function usualPlace(): string {
  const home = homedir();
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (process.platform === 'win32') {
    return process.env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local');
  }
  return process.env['XDG_STATE_HOME'] ?? join(home, '.local', 'state');
}

/**
 * Takes the directory for this process: two hosts on one history would do everything twice.
 * SQLite's own file lock serves, because the system drops it with the process, whatever ends it.
 * Throws `BadInput` when another process has it.
 */
export function takeDirectory({ path }: StateDirectory): () => void {
  const lock = new DatabaseSync(join(path, 'in-use.sqlite'));
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new BadInput(
      `another aks-reboot works with ${path}; wait for it, or give another directory by --state`,
    );
  }
  return () => lock.close();
}
