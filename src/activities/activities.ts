import * as z from 'zod';
import { TroubleError } from '../domain/trouble.ts';
import type { Durable, Ports } from '../ports.ts';
import { stepInputs } from '../steps.ts';
import type { Activities, StepInput, StepName, StepOutput, StepOutputs } from '../steps.ts';
import { checkBoot } from './boot.ts';
import { closeCluster } from './closing.ts';
import { claimCluster, releaseClaim } from './cluster.ts';
import { cordon } from './cordon.ts';
import { drainSlice } from './drain.ts';
import { finish, leaveMarked, recordNode, undo } from './finish.ts';
import { findLost, readMarks } from './liveness.ts';
import { planCluster, readCluster } from './plan.ts';
import { checkCluster, closePreflight } from './preflight.ts';
import { pollProbe, readLane, saveProbes, startProbe } from './probe.ts';
import { checkReady } from './ready.ts';
import { adoptMark } from './recover.ts';
import { restart } from './restart.ts';
import { closeRun, openRing, openRun } from './run.ts';
import { createDesk } from './scene.ts';
import type { Desk, Memory } from './scene.ts';
import { nextNode } from './turns.ts';

type Activity<N extends StepName> = (desk: Desk, input: StepInput<N>) => Promise<StepOutputs[N]>;

/** Every declared step and what carries it out; the compiler sees that none is missing. */
const implementations: { [N in StepName]: Activity<N> } = {
  openRun,
  openRing,
  closeRun,
  checkCluster,
  closePreflight,
  readMarks,
  findLost,
  claimCluster,
  releaseClaim,
  readCluster,
  planCluster,
  nextNode,
  closeCluster,
  readLane,
  startProbe,
  pollProbe,
  saveProbes,
  adoptMark,
  cordon,
  drainSlice,
  restart,
  checkBoot,
  checkReady,
  finish,
  undo,
  leaveMarked,
  recordNode,
};

export const stepNames = Object.keys(implementations) as StepName[];

/**
 * The activities over the given ports, for one invocation's durable client. Each parses its input,
 * and turns trouble with the outside into data; anything else that is thrown is a defect and fails
 * the step.
 */
export function createActivities(ports: Ports): (durable: Durable) => Activities {
  const memory: Memory = { settings: undefined, facts: new Map(), told: new Set() };
  return (durable) => {
    const desk = createDesk(ports, durable, memory);
    const bound = stepNames.map((name) => [name, bind(desk, name)] as const);
    return Object.fromEntries(bound) as Activities;
  };
}

function bind<N extends StepName>(desk: Desk, name: N) {
  const implementation: Activity<N> = implementations[name];
  const schema: z.ZodType<StepInput<N>> = stepInputs[name] as unknown as z.ZodType<StepInput<N>>;
  return async (input: unknown): Promise<StepOutput<N>> => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) {
      const value = `${name}: ${z.prettifyError(parsed.error)}`;
      return { kind: 'trouble', trouble: { kind: 'invalid', value } };
    }
    try {
      return await implementation(desk, parsed.data);
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error;
      const { trouble } = error;
      desk.log({ level: 'warn', message: 'trouble', step: name, detail: { ...trouble } });
      return { kind: 'trouble', trouble };
    }
  };
}
