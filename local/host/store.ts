/**
 * Everything that the host must not forget, in one SQLite database. Nothing that matters lives in
 * memory: after a kill at any instant, opening the same file and running the loop goes on.
 *
 * One unit of work (an episode, a finished activity, an entity's batch, a request) is one
 * transaction.
 */
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from 'node:sqlite';
import * as z from 'zod';
import type { HistoryEvent, Parent } from './history.ts';

export type Status = 'Pending' | 'Running' | 'Suspended' | 'Completed' | 'Failed' | 'Terminated';

/** Whether an instance in this status goes on, sooner or later. */
export function isLive(status: Status): boolean {
  return status === 'Pending' || status === 'Running' || status === 'Suspended';
}

/**
 * An orchestration, or (id `@name@key`) an entity: then `input` is its scheduler state, as in Azure
 * Storage. `input`, `output` and `customStatus` are JSON text or, for a reason, plain text. Times:
 * epoch milliseconds.
 */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly execution: string;
  readonly status: Status;
  readonly input: string | null;
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly parent: Parent | null;
  readonly created: number;
  readonly updated: number;
}

/** Something addressed to an instance, not before `due`; for one execution only, unless null. */
export interface Message {
  readonly n: number;
  readonly instance: string;
  readonly execution: string | null;
  readonly due: number;
  readonly event: HistoryEvent;
}

/** An activity to run. `input` is the text that it gets, null for none. */
export interface Work {
  readonly n: number;
  readonly instance: string;
  readonly execution: string;
  readonly task: number;
  readonly name: string;
  readonly input: string | null;
}

export interface TimerStatus {
  /** When it last ran, or null when never. Epoch milliseconds, as are the others. */
  readonly last: number | null;
  readonly next: number | null;
  readonly updated: number;
}

export interface InstanceFilter {
  readonly prefix?: string;
  readonly createdFrom?: number;
  readonly createdTo?: number;
  readonly statuses?: readonly string[];
  /** Only ids after this one. */
  readonly after?: string;
  readonly top?: number;
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS instance (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, execution TEXT NOT NULL,
    status TEXT NOT NULL, input TEXT, output TEXT, customStatus TEXT, parent TEXT,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, ledger TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS live ON instance (id) WHERE status IN ('Pending', 'Running');
  CREATE TABLE IF NOT EXISTS history (
    instance TEXT NOT NULL, sequence INTEGER NOT NULL, events TEXT NOT NULL,
    PRIMARY KEY (instance, sequence)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS inbox (
    n INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT,
    due INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0, event TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS waiting ON inbox (held, due, n);
  CREATE INDEX IF NOT EXISTS addressee ON inbox (instance, due, n);
  CREATE TABLE IF NOT EXISTS work (
    n INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT NOT NULL,
    task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT);
  CREATE TABLE IF NOT EXISTS timer (
    name TEXT PRIMARY KEY, last INTEGER, next INTEGER, updated INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

const schemaVersion = '1';

const instanceColumns =
  'id, name, version, execution, status, input, output, customStatus, parent, created, updated';

type Row = Record<string, SQLOutputValue>;

const statusShape = z.enum([
  'Pending',
  'Running',
  'Suspended',
  'Completed',
  'Failed',
  'Terminated',
]);
const text = (row: Row, column: string): string => String(row[column]);
const orNull = (row: Row, column: string): string | null =>
  row[column] === null ? null : text(row, column);
const number = (row: Row, column: string): number => Number(row[column]);

const toInstance = (row: Row): Instance => ({
  id: text(row, 'id'),
  name: text(row, 'name'),
  version: text(row, 'version'),
  execution: text(row, 'execution'),
  status: statusShape.parse(row['status']),
  input: orNull(row, 'input'),
  output: orNull(row, 'output'),
  customStatus: orNull(row, 'customStatus'),
  parent: row['parent'] === null ? null : (JSON.parse(text(row, 'parent')) as Parent),
  created: number(row, 'created'),
  updated: number(row, 'updated'),
});

const toMessage = (row: Row): Message => ({
  n: number(row, 'n'),
  instance: text(row, 'instance'),
  execution: orNull(row, 'execution'),
  due: number(row, 'due'),
  event: JSON.parse(text(row, 'event')) as HistoryEvent,
});

const toWork = (row: Row): Work => ({
  n: number(row, 'n'),
  instance: text(row, 'instance'),
  execution: text(row, 'execution'),
  task: number(row, 'task'),
  name: text(row, 'name'),
  input: orNull(row, 'input'),
});

/** The database. A statement is prepared when it is first used. */
export class Store {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Opens (and creates, if need be) the file, or `:memory:`. Throws when it is no store of this
   * version.
   */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(schema);
    if ((this.note('schema') ?? schemaVersion) !== schemaVersion) {
      throw new Error(`${path} was written by another version of the local host.`);
    }
    this.setNote('schema', schemaVersion);
  }

  close(): void {
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  /**
   * Runs `body` in one transaction, which also notes the instant, so that time never runs back.
   * Throws what `body` throws, with nothing changed.
   */
  transaction<T>(now: number, body: () => T): T {
    this.#run('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.setNote('now', String(now));
      this.#run('COMMIT');
      return result;
    } catch (error) {
      this.#run('ROLLBACK');
      throw error;
    }
  }

  /** The last instant that was noted, or 0. */
  lastInstant(): number {
    return Number(this.note('now') ?? 0);
  }

  note(name: string): string | undefined {
    const row = this.#get('SELECT value FROM note WHERE name = ?', name);
    return row && text(row, 'value');
  }

  setNote(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO note VALUES (?, ?)', name, value);
  }

  instance(id: string): Instance | undefined {
    const row = this.#get(`SELECT ${instanceColumns} FROM instance WHERE id = ?`, id);
    return row && toInstance(row);
  }

  /** Inserts or replaces; an instance that was put anew has no ledger. */
  putInstance(one: Instance): void {
    const { id, name, version, execution, status, input, output, customStatus } = one;
    const parent = one.parent && JSON.stringify(one.parent);
    const given = [id, name, version, execution, status, input, output, customStatus, parent];
    this.#run(
      `INSERT OR REPLACE INTO instance (${instanceColumns}) ` +
        'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...given,
      one.created,
      one.updated,
    );
  }

  /** Keeps what an episode changed of an instance, and its ledger (JSON). */
  progress({ status, output, customStatus, updated, id }: Instance, ledger: string | null): void {
    const columns = 'status = ?, output = ?, customStatus = ?, updated = ?, ledger = ?';
    const changed = [status, output, customStatus, updated, ledger];
    this.#run(`UPDATE instance SET ${columns} WHERE id = ?`, ...changed, id);
  }

  setStatus(id: string, status: Status, output: string | null, now: number): void {
    const columns = 'status = ?, output = ?, updated = ?';
    this.#run(`UPDATE instance SET ${columns} WHERE id = ?`, status, output, now, id);
  }

  ledger(id: string): string | null {
    const row = this.#get('SELECT ledger FROM instance WHERE id = ?', id);
    return row === undefined ? null : orNull(row, 'ledger');
  }

  /** Whether any orchestration is pending or running. */
  anyLive(): boolean {
    const live = "status IN ('Pending', 'Running') AND id NOT LIKE '@%'";
    return this.#get(`SELECT 1 FROM instance WHERE ${live} LIMIT 1`) !== undefined;
  }

  /** In the order of their ids. */
  list(filter: InstanceFilter): Instance[] {
    const { prefix = '', statuses = [], after = '' } = filter;
    const values: SQLInputValue[] = [after, prefix.length, prefix];
    values.push(filter.createdFrom ?? 0, filter.createdTo ?? Number.MAX_SAFE_INTEGER);
    const among = `AND status IN (${statuses.map(() => '?').join(', ')})`;
    return this.#all(
      `SELECT ${instanceColumns} FROM instance
       WHERE id > ? AND substr(id, 1, ?) = ? AND created BETWEEN ? AND ?
       ${statuses.length > 0 ? among : ''} ORDER BY id LIMIT ?`,
      ...values,
      ...statuses,
      filter.top ?? -1,
    ).map(toInstance);
  }

  /** Forgets an instance, its history and what waits for it; whether there was one. */
  purge(id: string): boolean {
    this.forgetHistory(id);
    this.#run('DELETE FROM inbox WHERE instance = ?', id);
    this.#run('DELETE FROM work WHERE instance = ?', id);
    return this.#run('DELETE FROM instance WHERE id = ?', id) > 0;
  }

  /** The events of the present generation as JSON, comma-separated, oldest first. */
  history(id: string): string {
    const rows = this.#all('SELECT events FROM history WHERE instance = ? ORDER BY sequence', id);
    return rows.map((row) => text(row, 'events')).join(',');
  }

  /** Adds events (JSON, comma-separated), of which the first is the `from`-th. */
  append(id: string, from: number, events: string): void {
    this.#run('INSERT INTO history VALUES (?, ?, ?)', id, from, events);
  }

  forgetHistory(id: string): void {
    this.#run('DELETE FROM history WHERE instance = ?', id);
  }

  post(instance: string, execution: string | null, due: number, event: HistoryEvent): void {
    const columns = 'instance, execution, due, event';
    const values = [instance, execution, due, JSON.stringify(event)];
    this.#run(`INSERT INTO inbox (${columns}) VALUES (?, ?, ?, ?)`, ...values);
  }

  /** The first message that is due. */
  nextMessage(now: number): Message | undefined {
    const due = 'held = 0 AND due <= ? ORDER BY due, n';
    const row = this.#get(`SELECT * FROM inbox WHERE ${due} LIMIT 1`, now);
    return row && toMessage(row);
  }

  /** When the next message falls due. */
  nextDue(): number | undefined {
    const row = this.#get('SELECT min(due) AS due FROM inbox WHERE held = 0');
    return row === undefined || row['due'] === null ? undefined : number(row, 'due');
  }

  /** What is due for one instance, in order. */
  dueFor(instance: string, now: number, limit: number): Message[] {
    const due = 'instance = ? AND held = 0 AND due <= ? ORDER BY due, n';
    return this.#all(`SELECT * FROM inbox WHERE ${due} LIMIT ?`, instance, now, limit).map(
      toMessage,
    );
  }

  remove(message: Message): void {
    this.#run('DELETE FROM inbox WHERE n = ?', message.n);
  }

  /** Keeps a message back until `release`, in its order. */
  hold(message: Message): void {
    this.#run('UPDATE inbox SET held = 1 WHERE n = ?', message.n);
  }

  release(instance: string): void {
    this.#run('UPDATE inbox SET held = 0 WHERE instance = ?', instance);
  }

  /** Releases everything but what waits for a suspended instance. */
  releaseAll(): void {
    const suspended = "SELECT id FROM instance WHERE status = 'Suspended'";
    this.#run(`UPDATE inbox SET held = 0 WHERE held = 1 AND instance NOT IN (${suspended})`);
  }

  /** Drops what was addressed to this execution only. */
  dropExecution({ id, execution }: Instance): void {
    this.#run('DELETE FROM inbox WHERE instance = ? AND execution = ?', id, execution);
  }

  addWork({ instance, execution, task, name, input }: Omit<Work, 'n'>): void {
    const columns = 'instance, execution, task, name, input';
    const values = [instance, execution, task, name, input];
    this.#run(`INSERT INTO work (${columns}) VALUES (?, ?, ?, ?, ?)`, ...values);
  }

  nextWork(after: number): Work | undefined {
    const row = this.#get('SELECT * FROM work WHERE n > ? ORDER BY n LIMIT 1', after);
    return row && toWork(row);
  }

  /** Whether the row was still there: who removes it may report the result. */
  finishWork(work: Work): boolean {
    return this.#run('DELETE FROM work WHERE n = ?', work.n) > 0;
  }

  timer(name: string): TimerStatus | undefined {
    const row = this.#get('SELECT * FROM timer WHERE name = ?', name);
    if (row === undefined) return undefined;
    const orNever = (column: string) => (row[column] === null ? null : number(row, column));
    return { last: orNever('last'), next: orNever('next'), updated: number(row, 'updated') };
  }

  setTimer(name: string, { last, next, updated }: TimerStatus): void {
    this.#run('INSERT OR REPLACE INTO timer VALUES (?, ?, ?, ?)', name, last, next, updated);
  }
}
