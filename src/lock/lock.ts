import * as z from 'zod';
import { epochMs, instantSchema } from '../domain/instant.ts';

/**
 * The reboot lock of one scope (a cluster's key, or `fleet`): who works on the cluster, which nodes
 * hold a slot, which turns were given, and a person's hold. A pure reducer; the durable
 * entity around it is in `entity.ts`. It orders the runs of one controller. It is not what keeps
 * nodes safe when it is lost: the marks on the nodes are.
 */

const holder = z.string().min(1).max(256);

const slotSchema = z.object({
  holder,
  /** Of the node whose turn it is for. */
  pool: z.string(),
  /** In the fleet's lock: the node's cluster. */
  cluster: z.string().optional(),
  node: z.string(),
  fence: z.number().int(),
  since: instantSchema,
  /** The step the holder is in, and since when it has been seen making progress. */
  step: z.string(),
  detail: z.string(),
  progressAt: instantSchema,
});
export type Slot = z.infer<typeof slotSchema>;

const ownerSchema = z.object({
  holder,
  run: z.string(),
  fence: z.number().int(),
  since: instantSchema,
  progressAt: instantSchema,
  /** Turns given so far, by pool: the pool's next node of the plan is the one with this index. */
  turns: z.record(z.string(), z.number().int()),
  /** Turns that ended so that a person is needed. */
  failures: z.number().int(),
  /** One ended so that no other is to begin. */
  stopped: z.boolean(),
});
export type Owner = z.infer<typeof ownerSchema>;

const holdSchema = z.object({
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
  /** A hold with an end lifts itself; without, a person has to. */
  until: instantSchema.optional(),
  since: instantSchema,
});
export type Hold = z.infer<typeof holdSchema>;

const lockSchema = z.object({
  fence: z.number().int(),
  owner: ownerSchema.optional(),
  slots: z.array(slotSchema),
  hold: holdSchema.optional(),
});
export type LockState = z.infer<typeof lockSchema>;

export const freeLock: LockState = { fence: 0, slots: [] };

export const turnSchema = z.object({
  pool: z.string().max(63),
  /** Among the pool's turns. */
  index: z.number().int().nonnegative(),
  /** Slots that nodes of the pool may have. */
  limit: z.number().int().min(1),
  /** None is given after so many failures. */
  stopAfterFailures: z.number().int().min(1),
});
/** A turn of the plan. Within a pool they are given strictly in order, so none is given twice. */
export type Turn = z.infer<typeof turnSchema>;

/** Who may write a node can write a mark: an absurd number on one must not use the numbers up. */
export const highestFloor = 2 ** 40;

/**
 * What may be asked of the lock. `now` comes with the message: an entity has no clock of its own.
 */
export const lockOperation = z.discriminatedUnion('op', [
  /**
   * Become the owner. `floor`: highest fencing number seen on marks, for when the lock was lost.
   */
  z.object({
    op: z.literal('enter'),
    holder,
    run: z.string(),
    now: instantSchema,
    floor: z.number().int().nonnegative().max(highestFloor),
    /** Holders that were found dead or stalled: their ownership and slots end here. */
    evict: z.array(holder).max(100),
  }),
  z.object({ op: z.literal('leave'), holder }),
  /** The owner's lane takes a slot for the turn that it has found to be next. */
  z.object({
    op: z.literal('take'),
    owner: holder,
    holder,
    now: instantSchema,
    limit: z.number().int().min(1),
    /** None for recovering a marked node, whose mark has a slot already. */
    turn: turnSchema.optional(),
  }),
  /** A lane takes a place in the fleet for a node; nobody owns the fleet's lock. */
  z.object({
    op: z.literal('seat'),
    holder,
    cluster: z.string().max(60),
    node: z.string().max(253),
    now: instantSchema,
    limit: z.number().int().min(1),
    /** Holders that were found dead or stalled. */
    evict: z.array(holder).max(1000),
  }),
  /** Names what the slot is for, and says that its holder gets on. */
  z.object({
    op: z.literal('progress'),
    holder,
    node: z.string(),
    step: z.string(),
    detail: z.string().max(500),
    now: instantSchema,
  }),
  /** The turn is over. */
  z.object({
    op: z.literal('free'),
    holder,
    /** A person is needed for the node. */
    failed: z.boolean(),
    /** The node is still out of service, and so the slot is not free. */
    stays: z.boolean(),
    /** Settings want no other turn to begin after it. */
    stops: z.boolean(),
  }),
  z.object({
    op: z.literal('hold'),
    who: holdSchema.shape.who,
    why: holdSchema.shape.why,
    until: instantSchema.optional(),
    now: instantSchema,
  }),
  z.object({ op: z.literal('lift') }),
]);
export type LockOperation = z.infer<typeof lockOperation>;
export type LockOperationName = LockOperation['op'];

export type LockAnswer =
  | { kind: 'entered'; fence: number }
  | { kind: 'held'; owner: Owner }
  | { kind: 'granted'; fence: number }
  /** Another lane has that turn, or the last slot of its pool: the next is to be found anew. */
  | { kind: 'passed' }
  /** Too many turns have failed, or one has stopped the run. */
  | { kind: 'stopped' }
  | { kind: 'full'; slots: Slot[] }
  | { kind: 'notOwner' }
  | { kind: 'done' }
  /** Not an operation of the lock. */
  | { kind: 'refused'; value: string };

/** Applies one operation; pure. */
export function applyLock(
  state: LockState,
  operation: LockOperation,
): { state: LockState; answer: LockAnswer } {
  switch (operation.op) {
    case 'enter':
      return enter(state, operation);
    case 'leave':
      return done(state.owner?.holder === operation.holder ? without(state, 'owner') : state);
    case 'take':
      return take(state, operation);
    case 'seat':
      return seat(state, operation);
    case 'progress':
      return done(progress(state, operation));
    case 'free':
      return done(free(state, operation));
    case 'hold': {
      const { who, why, until, now } = operation;
      return done({ ...state, hold: { who, why, since: now, ...(until ? { until } : {}) } });
    }
    case 'lift':
      return done(without(state, 'hold'));
  }
}

/** The hold that stands at `now` (epoch milliseconds), if any. */
export function activeHold(state: LockState, now: number): Hold | undefined {
  const { hold } = state;
  if (hold === undefined) return undefined;
  return hold.until !== undefined && epochMs(hold.until) <= now ? undefined : hold;
}

/** Parses an entity's stored state; `undefined` stands for a lock that nobody ever used. */
export function parseLock(stored: unknown): LockState {
  return stored === undefined || stored === null ? freeLock : lockSchema.parse(stored);
}

/** The highest fencing number wins; a lost lock starts above what the marks show. */
function nextFence(state: LockState, floor: number): number {
  return Math.max(state.fence, floor) + 1;
}

function enter(before: LockState, { holder, run, now, floor, evict }: OperationOf<'enter'>) {
  const state = evicted(before, evict);
  const { owner } = state;
  if (owner?.holder === holder) {
    return { state, answer: { kind: 'entered', fence: owner.fence } as const };
  }
  if (owner !== undefined) return { state, answer: { kind: 'held', owner } as const };
  const fence = nextFence(state, floor);
  return {
    state: {
      ...state,
      fence,
      owner: {
        holder,
        run,
        fence,
        since: now,
        progressAt: now,
        turns: {},
        failures: 0,
        stopped: false,
      },
      // What an owner before left behind ends here; a node of it that is still out of service has
      // its mark.
      slots: [],
    },
    answer: { kind: 'entered', fence } as const,
  };
}

/** The state without what these holders had, whoever asks: they are dead or stalled. */
function evicted(state: LockState, holders: readonly string[]): LockState {
  const slots = state.slots.filter((slot) => !holders.includes(slot.holder));
  const { owner } = state;
  const ownerIsLost = owner !== undefined && holders.includes(owner.holder);
  return { ...(ownerIsLost ? without(state, 'owner') : state), slots };
}

function take(state: LockState, operation: OperationOf<'take'>) {
  const { holder, now, limit, turn } = operation;
  const { owner } = state;
  if (owner === undefined || owner.holder !== operation.owner) {
    return { state, answer: { kind: 'notOwner' } as const };
  }
  const others = state.slots.filter((slot) => slot.holder !== holder);
  if (turn !== undefined && others.length >= limit)
    return { state, answer: { kind: 'full', slots: others } as const };
  const stopped = owner.stopped || owner.failures >= (turn?.stopAfterFailures ?? Infinity);
  if (turn !== undefined && stopped) {
    return { state, answer: { kind: 'stopped' } as const };
  }
  if (turn !== undefined && !isNext(turn, owner, others)) {
    return { state, answer: { kind: 'passed' } as const };
  }
  const fence = nextFence(state, 0);
  const pool = turn?.pool ?? '';
  const taken = { holder, pool, node: '', step: 'taken', detail: '' };
  return {
    state: {
      ...state,
      fence,
      owner: {
        ...owner,
        turns: turn === undefined ? owner.turns : { ...owner.turns, [turn.pool]: turn.index + 1 },
        progressAt: now,
      },
      slots: [...others, { ...taken, fence, since: now, progressAt: now }],
    },
    answer: { kind: 'granted', fence } as const,
  };
}

function seat(before: LockState, operation: OperationOf<'seat'>) {
  const { holder, cluster, node, now, limit, evict } = operation;
  const state = evicted(before, evict);
  const others = state.slots.filter((slot) => slot.holder !== holder);
  if (others.length >= limit) return { state, answer: { kind: 'full', slots: others } as const };
  const fence = nextFence(state, 0);
  const known = { holder, pool: '', cluster, node, step: 'seated', detail: '' };
  return {
    state: {
      ...state,
      fence,
      slots: [...others, { ...known, fence, since: now, progressAt: now }],
    },
    answer: { kind: 'granted', fence } as const,
  };
}

function isNext({ pool, index, limit }: Turn, { turns }: Owner, others: readonly Slot[]): boolean {
  return (turns[pool] ?? 0) === index && others.filter((slot) => slot.pool === pool).length < limit;
}

function free(state: LockState, operation: OperationOf<'free'>): LockState {
  const { holder, failed, stays, stops } = operation;
  const { owner } = state;
  if (!state.slots.some((slot) => slot.holder === holder)) return state;
  return {
    ...state,
    slots: stays ? state.slots : state.slots.filter((slot) => slot.holder !== holder),
    ...(owner && {
      owner: {
        ...owner,
        failures: owner.failures + Number(failed),
        stopped: owner.stopped || stops,
      },
    }),
  };
}

/** What a slot's holder or the owner does is the owner's progress; a stranger's is nobody's. */
function progress(state: LockState, operation: OperationOf<'progress'>): LockState {
  const { holder, node, step, detail, now } = operation;
  const { owner } = state;
  if (owner?.holder !== holder && !state.slots.some((slot) => slot.holder === holder)) return state;
  const slots = state.slots.map((slot) =>
    slot.holder === holder ? { ...slot, node, step, detail, progressAt: now } : slot,
  );
  return { ...state, slots, ...(owner && { owner: { ...owner, progressAt: now } }) };
}

type OperationOf<K extends LockOperationName> = Extract<LockOperation, { op: K }>;

function done(state: LockState): { state: LockState; answer: LockAnswer } {
  return { state, answer: { kind: 'done' } };
}

function without(state: LockState, key: 'owner' | 'hold'): LockState {
  const { [key]: _removed, ...rest } = state;
  return rest;
}
