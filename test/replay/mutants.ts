import type { Mutation } from '../simulation/mutations.ts';

/** A change to the orchestrators' text, and what replay has to say of it. */
export interface Mutant extends Pick<Mutation, 'name' | 'changes'> {
  /** `step`: what began under version 1.0 does as before, what begins under 1.1 does not. */
  expected: 'breaks' | 'alters' | 'step';
}

const one = (file: string, from: string, to: string) => [{ file, from, to }];

const flow = 'src/workflow/flow.ts';
const node = 'src/workflow/node.ts';
const cluster = 'src/workflow/cluster.ts';
const turns = 'src/workflow/turns.ts';

/** What a careless change does, and one that took care. */
export const mutants: readonly Mutant[] = [
  {
    name: 'a step more in the middle',
    expected: 'breaks',
    changes: one(
      cluster,
      '    const unrecovered = yield* recover(',
      "    yield* patiently(flow, 'readMarks', { run, cluster }, patienceMinutes);\n" +
        '    const unrecovered = yield* recover(',
    ),
  },
  {
    name: 'a step less',
    expected: 'breaks',
    changes: one(
      cluster,
      "    yield* patiently(flow, 'releaseClaim', { run, cluster }, patienceMinutes);\n",
      '',
    ),
  },
  {
    name: 'two steps in the other order',
    expected: 'breaks',
    changes: one(
      'src/workflow/run.ts',
      "  const closed = yield* patiently(flow, 'closeRun', { run, unopened }, patienceMinutes);",
      "  yield* patiently(flow, 'openRing', { run, ring: 0 }, patienceMinutes);\n" +
        "  const closed = yield* patiently(flow, 'closeRun', { run, unopened }, patienceMinutes);",
    ),
  },
  {
    name: 'a step by another name',
    expected: 'breaks',
    changes: one(node, "'checkReady', { ...target(work), ...looks }", "'lookReady', { ...looks }"),
  },
  {
    name: 'an orchestrator by another name',
    expected: 'breaks',
    changes: [
      ...one(
        'src/workflow/probe.ts',
        "callSubOrchestrator('probeBatch'",
        "callSubOrchestrator('x'",
      ),
    ],
  },
  {
    name: 'a wait less',
    expected: 'breaks',
    changes: one(
      'src/workflow/probe.ts',
      "      case 'busy':\n        yield* wait(flow, answer.waitSeconds);\n",
      "      case 'busy':\n",
    ),
  },
  {
    name: 'a message to the lock less',
    expected: 'breaks',
    changes: one(node, "    if (work.state.step !== before) tellProgress(flow, work, '');\n", ''),
  },
  {
    name: 'another question to the lock',
    expected: 'breaks',
    changes: one(
      turns,
      "  const taking = { op: 'take', owner,",
      "  const taking = { op: 'seat', owner,",
    ),
  },
  {
    name: 'a call of the lock that was a message before',
    expected: 'breaks',
    changes: one(flow, '  flow.context.df.signalEntity(', '  flow.context.df.callEntity('),
  },
  {
    name: 'shorter generations',
    expected: 'breaks',
    changes: one(flow, 'export const spendingLimit = 60;', 'export const spendingLimit = 20;'),
  },
  {
    name: 'less patience',
    expected: 'breaks',
    changes: one(
      flow,
      '    if (epochMs(nowOf(flow)) + seconds * 1000 > deadline) return answer;',
      '    if (tries > 0) return answer;',
    ),
  },
  {
    name: 'an orchestrator that looks at the real clock',
    expected: 'breaks',
    changes: one(
      flow,
      '  return isoInstant(flow.context.df.currentUtcDateTime.getTime());',
      '  return isoInstant(Date.now());',
    ),
  },
  {
    name: 'a longer wait',
    expected: 'alters',
    changes: one(flow, 'seconds * 1000);\n  yield', 'seconds * 2000);\n  yield'),
  },
  {
    name: 'a step that is told less',
    expected: 'alters',
    changes: one(
      node,
      'const input = { ...target(work), since: state.since };',
      'const input = { ...target(work) };',
    ),
  },
  {
    name: 'another result',
    expected: 'alters',
    changes: one(node, '  return result;\n', "  return { ...result, node: '' };\n"),
  },
  {
    name: 'a step more behind a version step',
    expected: 'step',
    changes: [
      ...one(flow, "orchestrationVersions = ['1.0']", "orchestrationVersions = ['1.0', '1.1']"),
      ...one(
        cluster,
        '    const unrecovered = yield* recover(',
        "    if (isSince(flow, '1.1')) {\n" +
          "      yield* patiently(flow, 'readMarks', { run, cluster }, patienceMinutes);\n" +
          '    }\n    const unrecovered = yield* recover(',
      ),
      ...one(cluster, 'import { askLock, ', 'import { askLock, isSince, '),
    ],
  },
];
