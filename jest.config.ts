import type { Config } from 'jest';

// Jest 30.5 strips TypeScript types itself (node:module.stripTypeScriptTypes), so nothing is transformed.
const config: Config = {
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['<rootDir>/test/tools/', '<rootDir>/node_modules/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  coverageProvider: 'babel',
  collectCoverageFrom: ['src/**/*.ts', 'functions/**/*.ts', 'local/**/*.ts', 'cli/**/*.ts'],
  moduleNameMapper: { '^@azure/functions-core$': '<rootDir>/local/host/functions-core.cjs' },
  // One worker a core: whole fleets are rehearsed here, and jest's own choice would leave one idle.
  maxWorkers: '100%',
  // Generous, for busy machines: a test that hangs still ends.
  testTimeout: 240_000,
};

export default config;
