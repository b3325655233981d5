import type { Fleet } from '../fleet.ts';
import type { AuditAction } from '../audit.ts';
import type { Lifecycle } from '../world/lifecycle.ts';
import type { Machine, World } from '../world/world.ts';
import { conflict, ok } from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import { findGroup, findInstance, findMachine, findScaleSet, scaleSets } from './computeLookup.ts';
import { instanceView, machineShape, scaleSetShape } from './computeShapes.ts';
import type { Operations } from './operations.ts';
import { named, page } from './route.ts';
import type { Call, Route } from './route.ts';
import { scriptAction } from './runCommand.ts';
import type { RunCommand } from './runCommand.ts';
import { computeBuckets } from './throttle.ts';

export interface ComputeOptions {
  world: World;
  fleet: Fleet;
  lifecycle: Lifecycle;
  operations: Operations;
  runCommand: RunCommand;
  origin: () => string;
}

const apiVersions = ['2024-07-01', '2024-11-01', '2025-04-01', '2026-04-01'];
const group = '/subscriptions/{subscription}/resourceGroups/{group}';
const sets = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets`;
const instance = `${sets}/{vmss}/virtualMachines/{instance}`;
const machines = `${group}/providers/Microsoft.Compute/virtualMachines`;
const operation =
  '/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/operations/{id}';
const setAction = 'Microsoft.Compute/virtualMachineScaleSets';
const instanceAction = `${setAction}/virtualMachines`;
const machineAction = 'Microsoft.Compute/virtualMachines';

/** Requests a minute: for one resource, and for the whole subscription. */
const limits = {
  list: { subscription: 360 },
  get: { resource: 12, subscription: 2000 },
  act: { resource: 4, subscription: 500 },
  operation: { resource: 15, subscription: 5000 },
};

/** The operations of Microsoft.Compute that this program and its preflight use. */
export function computeRoutes(options: ComputeOptions): Route[] {
  return [
    ...listRoutes(options),
    ...getRoutes(options),
    ...actRoutes(options),
    operationRoute(options),
  ];
}

const pathOf = (call: Call) => call.url.split('?')[0] ?? '';

const buckets = (policy: string, kind: keyof typeof limits) => (call: Call) =>
  computeBuckets(policy, limits[kind], pathOf(call), named(call, 'subscription'));

const read = (
  template: string,
  resource: string,
  kind: 'list' | 'get',
  answer: (call: Call) => ArmAnswer,
): Route => ({
  method: 'GET',
  template,
  action: `${resource}/read`,
  type: resource.replace(/\/instanceView$/, ''),
  apiVersions,
  buckets: buckets(resource.startsWith(setAction) ? 'GetVMScaleSet' : 'GetVM', kind),
  answer,
});

function listRoutes(options: ComputeOptions): Route[] {
  const { world } = options;
  const list = (call: Call, items: readonly unknown[]) =>
    page(call, items, options.fleet.pageSize, options.origin());
  return [
    read(sets, setAction, 'list', (call) => {
      const found = findGroup(world, call);
      if (found.kind !== 'cluster') return found.value;
      return list(call, scaleSets(found.value).map(scaleSetShape));
    }),
    read(`${sets}/{vmss}/virtualMachines`, instanceAction, 'list', (call) => {
      const found = findScaleSet(world, call);
      if (found.kind !== 'pool') return found.value;
      return list(
        call,
        found.value.pool.machines.map((machine) =>
          machineShape(machine, call, options.fleet.faults),
        ),
      );
    }),
    read(machines, machineAction, 'list', (call) => {
      const found = findGroup(world, call);
      if (found.kind !== 'cluster') return found.value;
      const alone = found.value.pools.filter((pool) => pool.scaleSetId === undefined);
      const all = alone.flatMap((pool) => pool.machines);
      return list(
        call,
        all.map((machine) => machineShape(machine, call, options.fleet.faults)),
      );
    }),
  ];
}

/** A kind of machine: where it is, what Azure RBAC calls it, how it is found. */
const kinds = [
  [instance, instanceAction, findInstance],
  [`${machines}/{vm}`, machineAction, findMachine],
] as const;

function getRoutes({ world, fleet }: ComputeOptions): Route[] {
  const set = read(`${sets}/{vmss}`, setAction, 'get', (call) => {
    const found = findScaleSet(world, call);
    return found.kind === 'pool' ? ok(scaleSetShape(found.value)) : found.value;
  });
  const ofMachines = kinds.flatMap(([template, resource, find]) => {
    const get = (path: string, name: string, shape: (machine: Machine, call: Call) => unknown) =>
      read(path, name, 'get', (call) => {
        const found = find(world, call);
        return found.kind === 'machine' ? ok(shape(found.value, call)) : found.value;
      });
    return [
      get(template, resource, (machine, call) => machineShape(machine, call, fleet.faults)),
      get(`${template}/instanceView`, `${resource}/instanceView`, (machine) =>
        instanceView(machine, fleet.faults.otherwise),
      ),
    ];
  });
  return [set, ...ofMachines];
}

const restarting = conflict('Conflict', 'Another operation is in progress on this VM.');

function actRoutes(options: ComputeOptions): Route[] {
  const { world } = options;
  const act = (
    [template, resource, find]: (typeof kinds)[number],
    name: string,
    audit: (call: Call) => AuditAction,
    effect: (machine: Machine, call: Call) => ArmAnswer,
  ): Route => ({
    method: 'POST',
    template: `${template}/${name}`,
    action: `${resource}/${name}/action`,
    type: resource,
    apiVersions,
    buckets: buckets(`${name}VM`, 'act'),
    audit: {
      action: audit,
      machine: (call) => {
        const found = find(world, call);
        return found.kind === 'machine' ? found.value : undefined;
      },
    },
    answer: (call) => {
      const found = find(world, call);
      return found.kind === 'machine' ? effect(found.value, call) : found.value;
    },
  });
  const restart = (machine: Machine, call: Call) => {
    const { restartFinalStatus, otherwise } = options.fleet.faults;
    if (machine.restarts.running > 0 && otherwise.includes('oneRestart')) return restarting;
    const begun = options.operations.begin(machine, call.apiVersion, restartFinalStatus);
    call.detail['operation'] = begun.id;
    options.lifecycle.restart(machine, begun.end);
    return begun.accepted;
  };
  return kinds.flatMap((kind) => [
    act(kind, 'restart', () => 'restart', restart),
    act(kind, 'runCommand', scriptAction, options.runCommand),
  ]);
}

function operationRoute({ operations }: ComputeOptions): Route {
  return {
    method: 'GET',
    template: operation,
    action: 'Microsoft.Compute/locations/operations/read',
    type: 'Microsoft.Compute/locations/operations',
    apiVersions,
    buckets: (call) =>
      computeBuckets(
        'GetOperation',
        limits.operation,
        operations.subject(named(call, 'id')) ?? '',
        named(call, 'subscription'),
      ),
    answer: (call) =>
      operations.status(
        named(call, 'subscription'),
        named(call, 'id'),
        call.query.get('monitor') === 'true',
        call.url,
      ),
  };
}
