/**
 * What the local host takes from `host.json`. Members that it does not know are the real host's
 * business.
 */
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { resolveSettings, type Settings } from './settings.ts';

/** Enumerations in host.json are read without regard to case, as .NET does. */
function oneOf<const T extends readonly string[]>(names: T, fallback: T[number]) {
  return z
    .string()
    .default(fallback)
    .transform((text, context): T[number] => {
      const found = names.find((name) => name.toLowerCase() === text.toLowerCase());
      if (found !== undefined) return found;
      context.addIssue(`must be one of ${names.join(', ')}`);
      return z.NEVER;
    });
}

// Defaults: azure-functions-durable-extension, Options/DurableTaskOptions.cs; those of the versions
// from "Orchestration versioning" in its documentation.
const durableTaskShape = z.object({
  hubName: z.string().default('TestHubName'),
  maxConcurrentActivityFunctions: z
    .int()
    .positive()
    .default(10 * availableParallelism()),
  defaultVersion: z.string().default(''),
  versionMatchStrategy: oneOf(['None', 'Strict', 'CurrentOrOlder'], 'CurrentOrOlder'),
  versionFailureStrategy: oneOf(['Reject', 'Fail'], 'Reject'),
  overridableExistingInstanceStates: oneOf(['NonRunningStates', 'AnyState'], 'NonRunningStates'),
});

const hostJson = z.object({
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      durableTask: durableTaskShape.prefault({}),
    })
    .prefault({}),
});

export type DurableSettings = z.infer<typeof durableTaskShape>;

export interface HostSettings {
  readonly routePrefix: string;
  readonly durable: DurableSettings;
}

/** Reads the contents of a host.json. Throws an error that names what is wrong or missing. */
export function readHostJson(contents: unknown, settings: Settings): HostSettings {
  const { extensions } = hostJson.parse(contents);
  const { durableTask } = extensions;
  return {
    routePrefix: extensions.http.routePrefix.replace(/^\/|\/$/g, ''),
    durable: { ...durableTask, hubName: resolveSettings(durableTask.hubName, settings) },
  };
}
