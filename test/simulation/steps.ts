import type { FunctionHandler, PreInvocationHandler } from '@azure/functions';
import type { Chronicle, StepBegun } from './chronicle.ts';
import type { Execution, Fault, FaultOf, LockMoment } from './scenario.ts';
import { within } from './time.ts';
import type { Life, Time, Unit } from './time.ts';

/**
 * Every invocation of a function of the app passes here, through the hook that the Functions
 * programming model has for that: each becomes a unit, and goes wrong as the scenario says.
 */
export interface Steps {
  /** What a process registers beside the app's functions. */
  hookOf(life: Life): PreInvocationHandler;
  /** No fault strikes any more. */
  mend(): void;
}

type StepFault = FaultOf<'lateStart' | 'lateEnd' | 'twice' | 'lostEnd' | 'ghost'>;
type LockFault = FaultOf<'lockTwice' | 'stalled'>;
type Handler = (input: unknown, context: unknown) => unknown;

const keyOf = (of: Execution | LockMoment) => {
  if ('step' in of) return `${of.step} ${of.nth}`;
  if ('op' in of) return `${of.op} ${of.nth}`;
  return 'execution' in of
    ? `in ${of.state} ${of.nth} ${of.execution}`
    : `in ${of.state} ${of.nth}`;
};

const isOnLock = (fault: Fault): fault is LockFault =>
  fault.kind === 'lockTwice' || fault.kind === 'stalled';
const isOnStep = (fault: Fault): fault is StepFault =>
  ['lateStart', 'lateEnd', 'twice', 'lostEnd', 'ghost'].includes(fault.kind);

export function createSteps(options: {
  time: Time;
  chronicle: Chronicle;
  faults: readonly Fault[];
}): Steps {
  const { chronicle, time } = options;
  const stepFaults = new Map(
    options.faults.filter(isOnStep).map((fault) => [keyOf(fault.of), fault]),
  );
  const lockFaults = new Map(
    options.faults.filter(isOnLock).map((fault) => [keyOf(fault.of), fault]),
  );
  const { machine } = chronicle;
  /** Those of a state's entry, which the next operation of the lock takes. */
  const dueOnLock: LockFault[] = [];
  machine.onEntry(({ state, nth }) => {
    const fault = lockFaults.get(`in ${state} ${nth}`);
    if (fault !== undefined) dueOnLock.push(fault);
  });
  const counts = new Map<string, number>();
  const count = (name: string) => {
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return nth;
  };

  const inState = ({ life, instance }: Unit) => {
    const stay = machine.stayOf(life.actor, instance);
    if (stay === undefined) return '';
    stay.executions += 1;
    return `in ${stay.state} ${stay.nth} ${stay.executions}`;
  };

  const activity = (life: Life, unit: Unit, handler: Handler): Handler => {
    const fault = stepFaults.get(`${unit.step} ${unit.nth}`) ?? stepFaults.get(inState(unit));
    const { step, instance } = unit;
    const strike = () =>
      fault !== undefined && chronicle.strike(fault, life.actor, { kind: 'step', step, instance });
    const late = (minutes: number) => time.standStill(minutes * 60_000);
    const once = (input: unknown, context: unknown) =>
      told(chronicle, unit, input, () => handler(input, context));
    switch (fault?.kind) {
      case undefined:
        return once;
      case 'lateStart':
        return async (input, context) => {
          strike();
          await late(fault.minutes);
          return once(input, context);
        };
      case 'lateEnd':
        return async (input, context) => {
          const end = await once(input, context);
          strike();
          await late(fault.minutes);
          return end;
        };
      case 'twice':
        return async (input, context) => {
          const first = await once(input, context);
          strike();
          const second = await once(input, context);
          return fault.counts === 'first' ? first : second;
        };
      case 'lostEnd':
        return async (input, context) => {
          await once(input, context);
          strike();
          await late(fault.minutes);
          return once(input, context);
        };
      case 'ghost':
        return async (input, context) => {
          const state = machine.stayOf(life.actor, instance)?.state;
          time.after(fault.minutes * 60, async () => {
            if (life.over) return;
            chronicle.strike(fault, life.actor, { kind: 'ghost', step, state });
            await within(unit, () => once(input, context)).catch(() => {});
          });
          return once(input, context);
        };
    }
  };

  const lock = (life: Life, handler: Handler): Handler => {
    return async (input, context) => {
      const delivered = input as Batch;
      const struck = delivered.batch.map((operation) => {
        record(chronicle, life, delivered.self.key, operation);
        const nth = count(`lock ${operation.name}`);
        return lockFaults.get(`${operation.name} ${nth}`) ?? dueOnLock.shift();
      });
      for (const fault of struck) {
        if (fault === undefined) continue;
        chronicle.strike(fault, life.actor);
        if (fault.kind === 'stalled') {
          await lent(time, () => time.standStill(fault.minutes * 60_000));
        }
      }
      const doubled = struck.map((fault) => (fault?.kind === 'lockTwice' ? fault : undefined));
      const batch = delivered.batch.flatMap((operation, index) =>
        doubled[index] === undefined ? [operation] : [operation, operation],
      );
      const reply = (await handler({ ...delivered, batch }, context)) as { results: unknown[] };
      const results: unknown[] = [];
      let next = 0;
      for (const fault of doubled) {
        results.push(reply.results[fault?.counts === 'second' ? next + 1 : next]);
        next += fault === undefined ? 1 : 2;
      }
      return { ...reply, results };
    };
  };

  return {
    hookOf: (life) => (context) => {
      const { invocationContext } = context;
      const { type } = invocationContext.options.trigger;
      const handler = context.functionHandler as Handler;
      const step = invocationContext.functionName;
      if (type === 'orchestrationTrigger') {
        context.functionHandler = listening(chronicle, life, handler) as FunctionHandler;
        return;
      }
      const { instanceId } = invocationContext.triggerMetadata ?? {};
      const instance = typeof instanceId === 'string' ? instanceId : '';
      const unit: Unit = {
        life,
        step,
        instance,
        nth: count(step),
        exchanges: 0,
      };
      const handle =
        type === 'activityTrigger'
          ? activity(life, unit, handler)
          : type === 'entityTrigger'
            ? lock(life, handler)
            : handler;
      // Activities do not hold the clock; what answers HTTP and timers does, and waits for it.
      const held = type !== 'activityTrigger' && type !== 'entityTrigger';
      context.functionHandler = ((input: unknown, inner: unknown) =>
        within(unit, () =>
          held ? lent(time, () => handle(input, inner)) : handle(input, inner),
        )) as FunctionHandler;
    },
    mend() {
      stepFaults.clear();
      lockFaults.clear();
      dueOnLock.length = 0;
    },
  };
}

/** An orchestrator, with what it is given and answers told to the machine. */
function listening({ machine }: Chronicle, { actor }: Life, handler: Handler): Handler {
  return async (given, context) => {
    const answered = await handler(given, context);
    const { instanceId } = given as { instanceId: string };
    machine.heard(actor, instanceId, given, answered);
    return answered;
  };
}

async function lent({ clock }: Time, action: () => unknown): Promise<unknown> {
  const takeBack = clock.lend();
  try {
    return await action();
  } finally {
    takeBack();
  }
}

interface Batch {
  self: { key: string };
  batch: { name: string; input: string | null }[];
}

function record(
  chronicle: Chronicle,
  { actor }: Life,
  scope: string,
  { name: op, input }: Batch['batch'][number],
): void {
  const given = JSON.parse(input ?? '{}') as Record<string, unknown>;
  const text = (field: string) => (typeof given[field] === 'string' ? given[field] : '');
  const told = { holder: text('holder'), node: text('node'), step: text('step') };
  chronicle.lock({ actor, scope, op, ...told, detail: text('detail') });
}

async function told(
  chronicle: Chronicle,
  { life, step, instance, nth }: Unit,
  input: unknown,
  run: () => unknown,
): Promise<unknown> {
  const { node = '', result } = (input ?? {}) as { node?: string; result?: { node: string } };
  const place = { actor: life.actor, step, instance, nth, node: result?.node ?? node };
  const begun: StepBegun = chronicle.began(place);
  try {
    const answer = (await run()) as { kind: string };
    chronicle.ended(begun, { answer: answer.kind, detail: answer });
    return answer;
  } catch (error) {
    chronicle.ended(begun, { answer: 'threw', detail: String(error) });
    throw error;
  }
}
