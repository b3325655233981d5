import type { AuditLine } from '../../local/azure/audit.ts';
import { employApprover } from './approver.ts';
import type { Chronicle } from './chronicle.ts';
import type { Exchanges, OnExchangeKind } from './exchanges.ts';
import type { Installation } from './installation.ts';
import type { Fault, FaultKind, FaultOf, Moment, RunPart } from './scenario.ts';
import type { Hands } from './hands.ts';
import type { Time } from './time.ts';

/** What goes wrong at a moment of its own: people, machines, clusters, installations. */
export interface Acts {
  /** Called with each line of the audit log that is the program's and about a node. */
  onLine(line: AuditLine): void;
  /** Nothing strikes any more, and what still goes wrong is undone. */
  mend(): Promise<void>;
}

type Timed = Extract<Fault, { at: Moment }> & { kind: Exclude<FaultKind, OnExchangeKind> };

const isTimed = (fault: Fault): fault is Timed =>
  'at' in fault && ('minute' in fault.at || 'seconds' in fault.at);

export interface ActsOptions {
  time: Time;
  chronicle: Chronicle;
  faults: readonly Fault[];
  exchanges: Exchanges;
  installations: readonly Installation[];
  hands: Hands;
}

export function createActs(options: ActsOptions): Acts {
  const { time, chronicle, faults } = options;
  const waiting = new Map<string, Timed[]>();
  const counts = new Map<string, number>();
  const undos = new Set<() => unknown>();
  let over = false;

  const strike = async (fault: Timed, that: string) => {
    if (over) return;
    const node = 'node' in fault ? options.hands.nodeName(fault.node, that) : undefined;
    chronicle.strike(fault, undefined, node === undefined ? undefined : { kind: 'node', node });
    const undo = await act(options, fault, that);
    if (undo === undefined) return;
    undos.add(undo);
    time.after(('minutes' in fault ? fault.minutes : 0) * 60, () => {
      if (!undos.delete(undo)) return undefined;
      chronicle.act(`undoes ${fault.kind}`);
      return undo();
    });
  };
  for (const fault of faults.filter(isTimed)) {
    const { at } = fault;
    if ('minute' in at) {
      time.at(at.minute, () => strike(fault, ''));
      continue;
    }
    const key = 'line' in at ? `${at.line} ${at.nth}` : `in ${at.state} ${at.nth}`;
    waiting.set(key, [...(waiting.get(key) ?? []), fault]);
  }

  const arrive = (key: string, node: string) => {
    for (const fault of waiting.get(key) ?? []) {
      time.after('seconds' in fault.at ? fault.at.seconds : 0, () => strike(fault, node));
    }
  };
  chronicle.machine.onEntry(({ state, nth, node }) => arrive(`in ${state} ${nth}`, node));

  // They are installed after this.
  time.after(0, () => {
    for (const one of options.installations) employApprover(time, one, () => over);
  });

  return {
    onLine({ action, node }) {
      const nth = (counts.get(action) ?? 0) + 1;
      counts.set(action, nth);
      arrive(`${action} ${nth}`, node);
    },
    async mend() {
      over = true;
      for (const undo of undos) await undo();
      undos.clear();
    },
  };
}

type Undo = (() => unknown) | undefined;

/** Does it; returns what undoes it after the fault's minutes, where it has any. */
async function act(
  { hands, exchanges, installations, chronicle }: ActsOptions,
  fault: Timed,
  that: string,
): Promise<Undo> {
  const [app] = installations;
  if (app === undefined) throw new Error('nothing is installed');
  switch (fault.kind) {
    case 'stop':
      // It takes as long as what is under way.
      void app.restart(fault.back);
      return undefined;
    case 'killed':
      app.kill(fault.back);
      return undefined;
    case 'settings':
      return app.settings.change(fault.change);
    case 'badSettings':
      return app.settings.spoil(fault.text);
    case 'storageGone':
      app.loseDocuments();
      return undefined;
    case 'outage':
      exchanges.outage(fault);
      return undefined;
    case 'hold':
      return hold(app, fault.scope === 'fleet' ? 'fleet' : hands.clusterName(0));
    case 'cancel':
      return cancelNewest(app);
    case 'extraRun':
      await startRun(app, fault.how);
      return undefined;
    case 'takeOver': {
      const taker = installations[fault.app % installations.length];
      await taker?.call('POST', '/api/runs', { reason: 'simulated', takeOver: 'simulated' });
      return undefined;
    }
    case 'terminated':
      await terminate(app, fault.part, chronicle);
      return undefined;
    case 'machine':
    case 'restartedBySomebody':
    case 'flaps':
    case 'deleted':
    case 'nodeDeleted':
    case 'commands':
    case 'announced':
    case 'reimaged':
    case 'sentinel':
    case 'state':
    case 'budget':
    case 'stuckPods':
    case 'newPod':
    case 'denied':
    case 'cordonedByPerson':
    case 'uncordonedByPerson':
    case 'drainedByPerson':
    case 'markRemoved':
    case 'markSpoiled':
    case 'scaledIn':
      return hands.do(fault, that);
  }
}

const signed = { who: 'simulated', why: 'to see what happens' };

async function hold(app: Installation, scope: string): Promise<Undo> {
  await app.call('PUT', `/api/locks/${scope}/hold`, signed);
  return () => app.call('DELETE', `/api/locks/${scope}/hold`);
}

async function startRun(app: Installation, how: FaultOf<'extraRun'>['how']): Promise<void> {
  const reason = 'simulated';
  switch (how) {
    case 'usual':
    case 'dryRun':
      await app.call('POST', '/api/runs', { reason, dryRun: how === 'dryRun' });
      return;
    case 'forced':
      await app.call('POST', '/api/runs', { reason, force: { reason } });
      return;
    case 'recover':
      await app.call('POST', '/api/recover', { reason });
  }
}

async function newestRun(app: Installation): Promise<string | undefined> {
  const index = await app.call('GET', '/api/runs?limit=1');
  return (index as { runs?: { run: string }[] } | undefined)?.runs?.[0]?.run;
}

const isPart: { [P in RunPart]: (instance: string) => boolean } = {
  run: (instance) => !instance.includes(':'),
  cluster: (instance) => instance.includes(':cluster:'),
  probes: (instance) => instance.includes(':probes:'),
  turns: (instance) => instance.includes(':turns:'),
  node: (instance) => /:(?:reboot|recover):/u.test(instance),
  all: () => true,
};

async function terminate(app: Installation, part: RunPart, { machine }: Chronicle): Promise<void> {
  const path = '/runtime/webhooks/durabletask/instances';
  const run = await newestRun(app);
  const running = await app.call('GET', `${path}?code=durable&runtimeStatus=Running`);
  for (const { instanceId } of (running ?? []) as { instanceId: string }[]) {
    if (run === undefined || !instanceId.startsWith(run) || !isPart[part](instanceId)) continue;
    const own = `${path}/${encodeURIComponent(instanceId)}/terminate?code=durable&reason=simulated`;
    await app.call('POST', own);
    machine.forget(app.plan.controller, instanceId);
  }
}

async function cancelNewest(app: Installation): Promise<undefined> {
  const run = await newestRun(app);
  if (run !== undefined) await app.call('POST', `/api/runs/${run}/cancel`, signed);
  return undefined;
}
