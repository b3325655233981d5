import { createMachine } from './machine.ts';
import type { Machine } from './machine.ts';

const instance = '20260105T220000Z-000001:reboot:shop:web0';
const work = (step: string) => ({ node: 'web0', state: { step } });
let ids = 0;

/** A generation's history, an event a word: `ask x`, `told kind`, `wait`. */
function history(state: string, words: readonly string[]) {
  const started = {
    EventType: 0,
    Input: JSON.stringify(work(state)),
    OrchestrationInstance: { ExecutionId: String((ids += 1)) },
  };
  const events = words.map((word) => {
    const [what, which = ''] = word.split(' ');
    if (what === 'ask') return { EventType: 4, Name: which };
    if (what === 'told') return { EventType: 5, Result: JSON.stringify({ kind: which }) };
    return { EventType: 10 };
  });
  return [started, ...events];
}

const episode = { EventType: 12 };

/** Has an orchestrator hear that history, and answer that it waits in a state. */
function hear(machine: Machine, past: readonly object[], step: string): void {
  const [first] = past as { Input: string }[];
  const input: unknown = JSON.parse(first?.Input ?? '');
  const answered = { isDone: false, actions: [[]], customStatus: { step } };
  machine.heard('app-1', instance, { history: [...past, episode], input }, answered);
}

describe('the way of a node through its machine', () => {
  it('counts a task once, however often it is looked at or asked again for trouble', () => {
    const edges: string[] = [];
    const machine = createMachine((edge) => edges.push(edge));
    const way = history('probe', [
      'wait',
      'ask startProbe',
      'told started',
      'wait',
      'ask pollProbe',
      'told answer',
      'ask cordon',
      'told trouble',
      'wait',
      'ask cordon',
      'told cordoned',
      'ask drainSlice',
      'told draining',
      'wait',
      'ask drainSlice',
    ]);
    for (let known = 1; known <= way.length; known += 1)
      hear(machine, way.slice(0, known), 'drain');
    hear(machine, way, 'drain');
    expect(edges).toEqual([
      '[*] > probe',
      'probe > probe',
      'probe > cordon',
      'cordon > drain',
      'drain > drain',
    ]);
  });

  it('goes on in the next generation where the last one went', () => {
    const edges: string[] = [];
    const machine = createMachine((edge) => edges.push(edge));
    hear(machine, history('ready', ['ask checkReady', 'told waiting', 'wait']), 'ready');
    hear(machine, history('ready', ['ask checkReady', 'told ready', 'ask startProbe']), 'prove');
    hear(
      machine,
      history('prove', ['ask finish', 'told again', 'wait', 'ask checkReady']),
      'ready',
    );
    expect(edges).toEqual(['[*] > ready', 'ready > ready', 'ready > prove', 'prove > ready']);
  });

  it('is in a state from its entry to its exit, and nowhere when its history is lost', () => {
    const machine = createMachine(() => {});
    const entered: string[] = [];
    machine.onEntry(({ state, nth }) => entered.push(`${state} ${nth}`));
    for (const step of ['probe', 'cordon', 'cordon', 'drain', 'cordon']) {
      hear(machine, history('probe', []), step);
    }
    expect(entered).toEqual(['probe 1', 'cordon 1', 'drain 1', 'cordon 2']);
    expect(machine.stayOf('app-2', instance)?.state).toBe('cordon');
    machine.forget('app');
    expect(machine.stays()).toEqual([]);
  });
});
