// What `require('@azure/functions-core')` gives on the local host (see core.ts). A CommonJS file of
// its own, because the require happens inside the CommonJS bundle of `@azure/functions`.
// oxlint-disable-next-line no-unsafe-assignment -- core.ts, which sets it, has the type
module.exports = globalThis[Symbol.for('aks-reboot-orchestrator.functions-core')];
