import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Exchange } from '../src/ports.ts';
import { createRedactor } from './redact.ts';

export interface Recorder {
  record: (exchange: Exchange) => void;
  /** Writes what was recorded; the file's path. */
  finish(): string;
}

/** Keeps what Azure and clusters answered, redacted, as a transcript that tests can play back. */
export function createRecorder(directory: string): Recorder {
  const redactor = createRedactor();
  const exchanges: unknown[] = [];
  return {
    record({ service, method, path, status, body }) {
      exchanges.push({
        service,
        method,
        path: redactor.path(path),
        status,
        body: redactor.body(body),
      });
    },
    finish() {
      const folder = resolve(directory);
      mkdirSync(folder, { recursive: true });
      const file = join(folder, 'transcript.json');
      writeFileSync(file, `${JSON.stringify({ version: 1, exchanges }, null, 2)}\n`);
      return file;
    },
  };
}
