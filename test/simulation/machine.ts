import { nodeStates } from './scenario.ts';
import type { NodeStateName } from './scenario.ts';

/**
 * What of the node's state machine a play goes through, told from outside: by the histories that
 * its orchestrations are given, and by what they answer.
 */

/** A node is in a state, from its entry to its exit, waiting included. */
export interface Stay {
  readonly state: NodeStateName;
  readonly node: string;
  readonly controller: string;
  /** Counts the entries of this state in the whole play, from 1. */
  readonly nth: number;
  /** Exchanges with the outside, and activities begun, while it lasts. */
  exchanges: number;
  executions: number;
}

export interface Machine {
  /** An orchestrator was given this and has answered that; others than nodes' are ignored. */
  heard(actor: string, instance: string, given: unknown, answered: unknown): void;
  /** Where the node's orchestration is that this instance is. */
  stayOf(actor: string, instance: string): Stay | undefined;
  /** Every node's orchestration that is under way, whether or not its process is up. */
  stays(): readonly Stay[];
  /** The histories of that installation are gone, or that one of them has no future. */
  forget(controller: string, instance?: string): void;
  /** Called at each entry of a state. */
  onEntry(listener: (stay: Stay) => void): void;
}

/** Which state an activity belongs to, as docs/architecture.md draws the machine. */
const stateOf: Readonly<Record<string, NodeStateName>> = {
  adoptMark: 'adopt',
  cordon: 'cordon',
  drainSlice: 'drain',
  restart: 'restart',
  checkBoot: 'boot',
  checkReady: 'ready',
  finish: 'prove',
  undo: 'undo',
  leaveMarked: 'leave',
  recordNode: 'end',
};

const isState = (word: unknown): word is NodeStateName =>
  nodeStates.some((state) => state === word);

/** An actor is a process, `app-3`; its installation is what comes before the number. */
export const controllerOf = (actor: string) => actor.slice(0, actor.lastIndexOf('-'));

/** @param onEdge told each transition once, as `from > to` */
export function createMachine(onEdge: (edge: string) => void): Machine {
  const entered = new Map<NodeStateName, number>();
  const stays = new Map<string, Stay>();
  const ways = new Map<string, Way>();
  const listeners: ((stay: Stay) => void)[] = [];
  const keyOf = (actor: string, instance: string) => `${controllerOf(actor)} ${instance}`;

  const enter = (actor: string, key: string, node: string, state: NodeStateName) => {
    if (stays.get(key)?.state === state) return;
    const nth = (entered.get(state) ?? 0) + 1;
    entered.set(state, nth);
    const place = { state, node, controller: controllerOf(actor), nth };
    const stay: Stay = { ...place, exchanges: 0, executions: 0 };
    stays.set(key, stay);
    for (const listener of listeners) listener(stay);
  };
  return {
    stays: () => [...stays.values()],
    stayOf: (actor, instance) => stays.get(keyOf(actor, instance)),
    onEntry: (listener) => void listeners.push(listener),
    forget(controller, instance = '') {
      const start = `${controller} ${instance}`;
      for (const key of stays.keys()) if (key.startsWith(start)) stays.delete(key);
    },
    heard(actor, instance, given, answered) {
      if (!/:(?:reboot|recover):/u.test(instance)) return;
      const key = keyOf(actor, instance);
      const { history, input } = given as Given;
      const way = ways.get(key) ?? new Way();
      ways.set(key, way);
      for (const edge of way.learn(history)) onEdge(edge);
      const state = stateAfter(input, answered as Answered);
      if (state === undefined) stays.delete(key);
      else enter(actor, key, input.node, state);
    },
  };
}

/** What a node's orchestration works on, as far as it is looked at here. */
interface Work {
  node: string;
  state: { step: string };
}
interface Given {
  history: readonly Event[];
  input: Work;
}
interface Event {
  EventType: number;
  Name?: string;
  Input?: string;
  Result?: string;
  OrchestrationInstance?: { ExecutionId: string };
}
interface Answered {
  isDone: boolean;
  actions: readonly (readonly { input?: unknown }[])[];
  customStatus?: { step?: string };
}

/** Where it is after an episode; undefined when it has ended. */
function stateAfter(work: Work, answered: Answered): NodeStateName | undefined {
  const { isDone, customStatus, actions } = answered;
  if (!isDone) return asState(customStatus?.step ?? work.state.step);
  const next = actions[0]?.at(-1)?.input as Partial<Work> | undefined;
  return isState(next?.state?.step) ? next.state.step : undefined;
}

function asState(word: string): NodeStateName {
  if (!isState(word)) throw new Error(`no state of the machine: ${word}`);
  return word;
}

const executionStarted = 0;
const taskScheduled = 4;
const taskCompleted = 5;
const taskFailed = 6;
const timerCreated = 10;
const orchestratorStarted = 12;

/**
 * One orchestration's way through the machine. Only the past of its history counts: that is
 * committed, and each task is in it once, however often it was delivered or carried out.
 */
class Way {
  #execution = '';
  #read = 0;
  #state: NodeStateName | undefined;
  /** Whether the state's activity has been asked for since its entry, and how that ended. */
  #asked: 'no' | 'yes' | 'trouble' = 'no';

  /** The transitions that are new in this history. */
  learn(history: readonly Event[]): string[] {
    const past = history.slice(0, history.findLastIndex(isEpisode));
    const execution = past.find(({ EventType }) => EventType === executionStarted);
    const id = execution?.OrchestrationInstance?.ExecutionId ?? '';
    if (execution !== undefined && id !== this.#execution) {
      this.#execution = id;
      this.#read = 0;
    }
    const news = past.slice(this.#read);
    this.#read = Math.max(this.#read, past.length);
    return news.flatMap((event) => this.#follow(event));
  }

  #follow({ EventType, Name = '', Input, Result }: Event): string[] {
    switch (EventType) {
      case executionStarted:
        return this.#begin(asState((JSON.parse(Input ?? '') as Work).state.step));
      case taskScheduled:
        return this.#ask(Name);
      case taskCompleted: {
        const { kind } = JSON.parse(Result ?? '{}') as { kind?: string };
        if (kind === 'trouble') this.#asked = 'trouble';
        return [];
      }
      case taskFailed:
        this.#asked = 'trouble';
        return [];
      case timerCreated:
        // Waiting for the node before is a transition of its own: nothing is carried out in it.
        return this.#state === 'probe' && this.#asked === 'no' ? ['probe > probe'] : [];
      default:
        return [];
    }
  }

  /** A generation begins in the state that the last one went to. */
  #begin(state: NodeStateName): string[] {
    const before = this.#state;
    const isJudging = before === 'prove' && state === 'prove';
    const isSoaking = before === 'probe' && state === 'probe';
    return isJudging || isSoaking ? this.#stay() : this.#go(state);
  }

  #ask(activity: string): string[] {
    const before = this.#state;
    const asksProbe = activity === 'startProbe' || activity === 'pollProbe';
    const state = asksProbe ? (before === 'probe' ? 'probe' : 'prove') : stateOf[activity];
    if (state === undefined) return [];
    // Trouble is asked again in the same state, and so is a probe: that is no step.
    const isSame = state === before;
    const again = isSame && (this.#asked !== 'yes' || asksProbe || state === 'prove');
    const edges = again ? [] : this.#go(state);
    this.#asked = 'yes';
    return edges;
  }

  #go(state: NodeStateName): string[] {
    const edge = `${this.#state ?? '[*]'} > ${state}`;
    this.#state = state;
    return [edge, ...this.#stay()];
  }

  #stay(): string[] {
    this.#asked = 'no';
    return [];
  }
}

/** The transitions within one generation of a node's orchestration: its own first one included. */
export function edgesAlong(events: readonly Event[]): string[] {
  const edges = new Way().learn([...events, { EventType: orchestratorStarted }]);
  // What a later generation begins with was reached by the one before it.
  return edges.filter((edge) => !edge.startsWith('[*] > ') || /probe$|adopt$/u.test(edge));
}

const isEpisode = ({ EventType }: Event) => EventType === orchestratorStarted;
