import Module from 'node:module';
import { performance } from 'node:perf_hooks';

/** Loads the bundle as the language worker does, once, and prints how long that took, milliseconds. */
const core = {
  version: '3.10.0',
  hostVersion: '4.1000.0',
  registerFunction: () => ({ dispose: () => {} }),
  registerHook: () => ({ dispose: () => {} }),
  setProgrammingModel: () => {},
  getProgrammingModel: () => undefined,
  log: () => {},
  Disposable: class {
    dispose() {}
  },
};
const { prototype } = Module as unknown as { prototype: { require: (id: string) => unknown } };
const original = prototype.require;
prototype.require = function (this: unknown, id: string) {
  return id === '@azure/functions-core' ? core : original.call(this, id);
};
process.env['REBOOT_REPORTS_DIR'] = '-';
const begun = performance.now();
await import(new URL('../dist/app/main.js', import.meta.url).href);
console.log(Math.round(performance.now() - begun));
process.exit(0);
