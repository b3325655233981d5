import { loadAll } from 'js-yaml';
import * as z from 'zod';
import { failureOf } from '../../src/domain/trouble.ts';
import { BadInput } from '../badInput.ts';

/** kured's DaemonSet, as `kubectl get` or a manifest has it: YAML or JSON, also among others. */
export interface KuredManifest {
  /** `namespace/name`. */
  name: string;
  /** Its flags, without the program. */
  words: string[];
  environment: Record<string, string>;
  /** Directories of the node, by where they are mounted in the container. */
  mounts: ReadonlyMap<string, string>;
  /** What else it says that somebody has to know. */
  remarks: string[];
}

const containerSchema = z.object({
  name: z.string(),
  image: z.string().default(''),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  envFrom: z.array(z.unknown()).default([]),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
});
type Container = z.infer<typeof containerSchema>;

const daemonSetSchema = z.object({
  kind: z.literal('DaemonSet'),
  metadata: z.object({ name: z.string(), namespace: z.string().default('default') }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        nodeSelector: z.record(z.string(), z.string()).default({}),
        containers: z.array(containerSchema),
        volumes: z
          .array(
            z.object({
              name: z.string(),
              hostPath: z.object({ path: z.string() }).optional(),
            }),
          )
          .default([]),
      }),
    }),
  }),
});
type DaemonSet = z.infer<typeof daemonSetSchema>;

const listSchema = z.object({ items: z.array(z.unknown()) });

/** Throws `BadInput` when there is no kured in it, or more than one. */
export function readManifest(text: string, file: string): KuredManifest {
  const found = objectsIn(text, file).flatMap((object) => {
    const parsed = daemonSetSchema.safeParse(object);
    return parsed.success ? containersOf(parsed.data) : [];
  });
  const [first, ...more] = found;
  if (first === undefined)
    throw new BadInput(`${file} holds no DaemonSet with a container of kured`);
  if (more.length > 0) {
    const names = found.map(({ set }) => nameOf(set)).join(', ');
    throw new BadInput(`${file} holds several DaemonSets of kured: ${names}`);
  }
  return manifestOf(first.set, first.container);
}

function objectsIn(text: string, file: string): unknown[] {
  try {
    return loadAll(text).flatMap((object) => {
      const list = listSchema.safeParse(object);
      return list.success ? list.data.items : [object];
    });
  } catch (error) {
    throw new BadInput(`${file} is neither YAML nor JSON: ${failureOf(error).message}`);
  }
}

function containersOf(set: DaemonSet): { set: DaemonSet; container: Container }[] {
  return set.spec.template.spec.containers
    .filter(({ name, image, command }) =>
      [name, image, ...command.slice(0, 1)].some((text) => /\bkured\b/u.test(text)),
    )
    .map((container) => ({ set, container }));
}

function nameOf({ metadata }: DaemonSet): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function manifestOf(set: DaemonSet, container: Container): KuredManifest {
  const { nodeSelector, volumes } = set.spec.template.spec;
  const values = container.env.flatMap(({ name, value }) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const environment = Object.fromEntries(values);
  // Kubernetes puts variables in before kured sees its flags.
  const filled = [...container.command, ...container.args].map((word) =>
    word.replaceAll(/\$\((\w+)\)/gu, (whole, name: string) => environment[name] ?? whole),
  );
  const firstFlag = filled.findIndex((word) => word.startsWith('--'));
  const hidden = container.env.filter(({ name, value }) => {
    return value === undefined && name.startsWith('KURED_') && name !== 'KURED_NODE_ID';
  });
  const mounts = container.volumeMounts.flatMap(({ name, mountPath }) => {
    const path = volumes.find((volume) => volume.name === name)?.hostPath?.path;
    return path === undefined ? [] : [[mountPath, path] as const];
  });
  const selected = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`);
  const elsewhere = container.envFrom.length > 0 ? ['envFrom'] : [];
  const unread = [...hidden.map(({ name }) => name), ...elsewhere].join(', ');
  const nodes =
    `nodeSelector: kured runs only on nodes with ${selected.join(' and ')}; ` +
    `includeLabels: ["${selected.join(',')}"] says so here`;
  return {
    name: nameOf(set),
    words: firstFlag < 0 ? [] : filled.slice(firstFlag),
    environment,
    mounts: new Map(mounts),
    remarks: [
      ...(unread === '' ? [] : [`${unread}: not in the manifest, so nothing was read from there`]),
      ...(selected.length === 0 ? [] : [nodes]),
    ],
  };
}
