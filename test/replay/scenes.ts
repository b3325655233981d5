import type { PreInvocationHandler } from '@azure/functions';
import { presentVersion } from '../simulation/installation.ts';
import type { Installation } from '../simulation/installation.ts';
import type { Beside } from '../simulation/play.ts';
import type { Fault, Moment, Return, Scenario, SettingsChange } from '../simulation/scenario.ts';
import { stepInputs } from '../../src/steps.ts';
import type { StepName } from '../../src/steps.ts';
import { clusterId, shop } from '../support/fleets.ts';
import type { FleetInput, ShopOptions } from '../support/fleets.ts';

/** What seeds hardly come to: plays that are written by hand, to be recorded. */
export interface Scene {
  name: string;
  scenario: Scenario;
  beside?: Omit<Beside, 'onEpisode'>;
}

interface Setting {
  fleet?: FleetInput;
  faults?: Fault[];
  settings?: SettingsChange;
  ringOf?: string[];
  beside?: Scene['beside'];
}

function scene(name: string, setting: Setting): Scene {
  const { fleet = shop(), faults = [], settings, ringOf, beside } = setting;
  const app = {
    controller: 'app',
    from: 0,
    schedule: '0 */10 * * * *',
    skew: { host: 0, activities: 0 },
    ...(ringOf === undefined ? {} : { ringOf }),
    settings: { ...settings, defaults: { minReadyInPool: 0, ...settings?.defaults } },
  };
  const scenario: Scenario = { seed: 1, fleet, apps: [app], hours: 4, faults };
  return { name, scenario, ...(beside === undefined ? {} : { beside }) };
}

const at = (line: 'cordon' | 'evict' | 'restart' | 'down', seconds = 0, nth = 1): Moment => ({
  line,
  nth,
  seconds,
});

const forgetful: Return = { downMinutes: 1, storage: 'historyGone', version: presentVersion };

/** Azure waits for so long with a restart that a new process finds the node on its old boot. */
const waiting: ShopOptions = { count: 1, fleet: { timings: { restartDelaySeconds: 1500 } } };

/** Nothing comes of a restart. */
const deaf = shop({ count: 1, nodes: { 0: { restart: 'changesNothing' } } });

const onTheWay: Scene[] = [
  scene('a process that forgets a restart', {
    fleet: shop(waiting),
    faults: [{ kind: 'stop', at: at('restart', 5), back: forgetful }],
  }),
  scene('a node that refuses to restart itself', {
    fleet: shop({ count: 1, nodes: { 0: { restart: 'fails' } } }),
    settings: { defaults: { restartMethod: 'guest' } },
  }),
  scene('a second restart that somebody does not want any more', {
    fleet: deaf,
    settings: { defaults: { bootTimeoutMinutes: 30 } },
    faults: [{ kind: 'uncordonedByPerson', node: 'that', at: at('restart', 600) }],
  }),
  scene('a node that somebody restarts before it is restarted again', {
    fleet: shop({ count: 1 }),
    settings: { defaults: { bootTimeoutMinutes: 30 } },
    faults: [
      {
        kind: 'machine',
        node: 0,
        at: { minute: 0 },
        minutes: 35,
        behaviour: { restart: 'changesNothing' },
      },
      { kind: 'lateStart', of: { step: 'restart', nth: 2 }, minutes: 15 },
      { kind: 'restartedBySomebody', node: 'that', at: at('restart', 2000) },
    ],
  }),
  scene('a second drain that is given up', {
    fleet: deaf,
    settings: { defaults: { bootTimeoutMinutes: 30, drainTimeoutMinutes: 5 } },
    faults: [
      { kind: 'newPod', node: 'that', at: at('restart', 1200) },
      { kind: 'budget', cluster: 0, at: at('restart', 1300), minutes: 120 },
    ],
  }),
];

const clusters = (count: number, node: object = {}): FleetInput => {
  const made = shop({ count: 1, nodes: { 0: { ...node } } });
  const [first] = made['clusters'] as object[];
  const names = Array.from({ length: count }, (_, index) => `shop${index}`);
  return { ...made, clusters: names.map((name) => ({ ...first, id: clusterId(name) })) };
};

const rings: Setting = {
  fleet: clusters(2),
  settings: { rings: ['dev'] },
  ringOf: ['dev'],
};

const preflight: Scene['beside'] = {
  enter: ({ time, installations }) =>
    time.at(2, () => installations[0]?.call('POST', '/api/preflight', {})),
};

const manyClusters: Scene[] = [
  scene('two rings', rings),
  scene('places in the fleet', { fleet: clusters(2), settings: { fleetConcurrency: 1 } }),
  scene('preflight of more clusters than are checked at once', {
    fleet: clusters(12, { sentinelGone: true }),
    beside: preflight,
  }),
  scene('recovery that is asked for', {
    fleet: shop(waiting),
    faults: [{ kind: 'stop', at: at('restart', 5), back: forgetful }],
    beside: {
      enter: ({ time, installations }) =>
        time.at(8, () => installations[0]?.call('POST', '/api/recover', { reason: 'simulated' })),
    },
  }),
];

/** What orchestrations do when somebody ends one of theirs: `part` is of its instance id. */
function terminated(part: string, minute: number): Scene {
  const end = async (app: Installation) => {
    const path = '/runtime/webhooks/durabletask/instances';
    const all = await app.call('GET', `${path}?code=durable&runtimeStatus=Running`);
    for (const { instanceId } of all as { instanceId: string }[]) {
      const own = `${path}/${encodeURIComponent(instanceId)}/terminate?code=durable&reason=test`;
      if (instanceId.includes(part)) await app.call('POST', own);
    }
  };
  return scene(`somebody terminates ${part}`, {
    fleet: shop({ count: 2 }),
    beside: {
      enter: ({ time, installations: [app] }) => time.at(minute, () => app && end(app)),
    },
  });
}

/** A defect of the program in a step: it throws at its first execution, and not again. */
function throwing(step: StepName, setting: Setting): Scene {
  let left = 1;
  const hook: PreInvocationHandler = (context) => {
    if (context.invocationContext.functionName !== step || left-- <= 0) return;
    context.functionHandler = () => {
      throw new RangeError('a defect');
    };
  };
  return scene(`a defect in ${step}`, { ...setting, beside: { ...setting.beside, hook } });
}

const stuck = shop({ count: 1, nodes: { 0: { returns: false } } });

/** Where a step needs more than the usual to be carried out at all. */
const settingOf: { [N in StepName]?: Setting } = {
  adoptMark: {
    fleet: shop(waiting),
    faults: [{ kind: 'stop', at: at('restart', 5), back: forgetful }],
  },
  checkCluster: { beside: preflight },
  closePreflight: { beside: preflight },
  findLost: { fleet: shop(waiting) },
  leaveMarked: { fleet: stuck },
  openRing: rings,
  undo: { faults: [{ kind: 'cancel', at: at('evict') }] },
};

const steps = Object.keys(stepInputs) as StepName[];

export const scenes: readonly Scene[] = [
  ...onTheWay,
  ...manyClusters,
  ...[':cluster:', ':probes:', ':turns:', ':reboot:', ':lane:'].map((part) => terminated(part, 11)),
  ...steps.map((step) => throwing(step, settingOf[step] ?? {})),
];
