/**
 * Deliberate breaks of the promises: text that is put in the place of other text of the program.
 * The simulation has to notice each; one that does not apply any more is an error.
 */
export interface Mutation {
  /** What the program then does wrong. */
  name: string;
  /** The promise that it breaks. */
  promise: string;
  changes: readonly Change[];
  /**
   * The scenario that has to notice it, by its file: it brings a bug back that a seed once found, or
   * it takes what seeds seldom draw.
   */
  regression?: string;
}

export interface Change {
  /** Relative to the repository. */
  file: string;
  /** Has to be there exactly once. */
  from: string;
  to: string;
}

const one = (file: string, from: string, to: string): Change[] => [{ file, from, to }];

export const mutations: readonly Mutation[] = [
  {
    name: 'counts no slots',
    promise: 'one at a time',
    changes: [
      ...one(
        'src/decide/gates/cluster.ts',
        '  if (others.length + ahead.length < concurrency) return undefined;',
        '  if (others.length < 99) return undefined;',
      ),
      ...one(
        'src/activities/plan.ts',
        '  const free = site.policy.concurrency - scene.marked.length;',
        '  const free = site.policy.concurrency + 1;',
      ),
    ],
  },
  {
    name: 'counts no slots that were given before',
    promise: 'one at a time',
    changes: one(
      'src/decide/gates/cluster.ts',
      '  if (others.length + ahead.length < concurrency) return undefined;',
      '  if (others.length < concurrency) return undefined;',
    ),
    regression: 'concurrency-lowered',
  },
  {
    name: 'forgets a node that is left out of service with the documents',
    promise: 'one at a time',
    changes: one(
      'src/activities/finish.ts',
      '  else if (instants.cordoned !== undefined) {',
      '  else if (instants.cordoned === undefined) {',
    ),
    regression: 'left-and-forgotten',
  },
  {
    name: 'goes on although a node is left out of service',
    promise: 'one at a time',
    changes: [
      ...one(
        'src/decide/gates/cluster.ts',
        '  const others = marked.filter(({ name }) => name !== node.name);\n  if (others.length + ahead.length < concurrency)',
        "  const others = marked.filter((other) => other.name !== node.name && !JSON.stringify(other.annotations).includes('attempt'));\n  if (others.length + ahead.length < concurrency)",
      ),
      ...one(
        'src/decide/gates/cluster.ts',
        "if (mark.kind === 'read' && mark.value.stuck !== undefined) {",
        "if (mark.kind === 'read' && mark.value.stuck !== undefined && other.name === '') {",
      ),
      ...one(
        'src/activities/plan.ts',
        '  const free = site.policy.concurrency - scene.marked.length;',
        '  const free = site.policy.concurrency;',
      ),
    ],
  },
  {
    name: 'cordons and writes no mark',
    promise: 'left as found',
    changes: one(
      'src/activities/cordon.ts',
      '[markAnnotation]: writeMark(mark) }',
      'nothing: writeMark(mark) }',
    ),
  },
  {
    name: 'restarts before the node is drained',
    promise: 'drained first',
    changes: one(
      'src/activities/restart.ts',
      "  if (!hasLeft) return { kind: 'drained', undrained: chose.join() };",
      "  if (now > 0) return { kind: 'drained', undrained: chose.join() };",
    ),
  },
  {
    name: 'does not drain at all',
    promise: 'drained first',
    changes: [
      ...one(
        'src/activities/restart.ts',
        "  if (!hasLeft) return { kind: 'drained', undrained: chose.join() };",
        "  if (now > 0) return { kind: 'drained', undrained: chose.join() };",
      ),
      ...one(
        'src/workflow/node.ts',
        "    case 'draining':\n",
        "    case 'draining':\n      if (work.run !== '') return to(work, { step: 'restart', since: state.since, attempt: state.attempt });\n",
      ),
    ],
  },
  {
    name: 'restarts a node that somebody has uncordoned',
    promise: 'drained first',
    changes: [
      ...one(
        'src/activities/restart.ts',
        "  if (!node.unschedulable) {\n    return { kind: 'stop', outcome: uncordonedAfterRestart };",
        "  if (!node.unschedulable && node.name === '') {\n    return { kind: 'stop', outcome: uncordonedAfterRestart };",
      ),
      ...one(
        'src/activities/drain.ts',
        "  if (!node.unschedulable) {\n    return outcome('deferred', 'uncordoned'",
        "  if (!node.unschedulable && node.name === '') {\n    return outcome('deferred', 'uncordoned'",
      ),
    ],
  },
  {
    name: 'takes the old boot for a new one',
    promise: 'proved',
    changes: [
      ...one(
        'src/activities/boot.ts',
        "  if (node.bootId !== '' && node.bootId !== mark.bootId) {",
        "  if (node.bootId !== '') {",
      ),
      ...one(
        'src/activities/finish.ts',
        '  if (node.bootId === mark.bootId) return unproved(',
        "  if (node.bootId === '') return unproved(",
      ),
      ...one(
        'src/activities/finish.ts',
        "  if (probe.kind === 'notRequired') return outcome('rebooted', 'probe', why);",
        "  if (probe.kind !== 'unknown') return outcome('rebooted', 'probe', why);",
      ),
    ],
  },
  {
    name: 'does not wait for Ready to last',
    promise: 'proved',
    changes: one(
      'src/activities/ready.ts',
      '  if (seconds < readyForSeconds)',
      '  if (seconds < Math.min(0, readyForSeconds))',
    ),
  },
  {
    name: 'does not wait for Ready',
    promise: 'proved',
    changes: [
      ...one(
        'src/activities/ready.ts',
        '  if (!node.ready) return bad(',
        "  if (node.name === '') return bad(",
      ),
      ...one(
        'src/activities/ready.ts',
        '  if (seconds < readyForSeconds)',
        '  if (seconds < Math.min(0, readyForSeconds))',
      ),
      ...one(
        'src/activities/ready.ts',
        '  if (missing.length > 0) {',
        '  if (missing.length > 99) {',
      ),
      ...one('src/activities/finish.ts', '  if (!node.ready) {', "  if (node.name === '') {"),
      ...one(
        'src/activities/finish.ts',
        '  return missing.length === 0\n',
        '  return missing.length < 99\n',
      ),
      ...one(
        'src/activities/finish.ts',
        'input.transition !== undefined && input.transition !== readySince',
        "input.transition === 'never'",
      ),
    ],
  },
  {
    name: 'does not look for the DaemonSets',
    promise: 'proved',
    changes: one(
      'src/activities/ready.ts',
      "    .filter(({ pod }) => pod === 'unready' || (pod === 'absent' && !late))",
      "    .filter(({ pod }) => pod === 'ready' && pod.length === 0)",
    ),
  },
  {
    name: 'says that a node is rebooted although its sentinel is there',
    promise: 'proved',
    changes: one(
      'src/activities/finish.ts',
      "  if (probe.kind === 'notRequired') return outcome('rebooted', 'probe', why);",
      "  if (probe.kind !== 'unknown') return outcome('rebooted', 'probe', why);",
    ),
  },
  {
    name: 'takes another machine for the same',
    promise: 'proved',
    changes: [
      ...one('src/activities/ready.ts', '  if (vmId !== mark.vmId) {', "  if (vmId === '') {"),
      ...one('src/activities/finish.ts', 'facts.birth !== mark.birth) {', 'facts.birth === -1) {'),
    ],
  },
  {
    name: 'uncordons what a person had cordoned',
    promise: 'left as found',
    changes: one(
      'src/activities/node.ts',
      '    unschedulable: mark.wasUnschedulable && node.unschedulable,',
      '    unschedulable: mark.wasUnschedulable && false,',
    ),
  },
  {
    name: 'never undoes a cordon',
    promise: 'left as found',
    changes: one(
      'src/activities/finish.ts',
      '  await release(held, refusalNote(input.outcome, nowIso(desk)));\n',
      "  if (input.run === '') await release(held, refusalNote(input.outcome, nowIso(desk)));\n",
    ),
  },
  {
    name: 'asks for a restart without writing the attempt',
    promise: 'never twice',
    changes: one(
      'src/activities/restart.ts',
      '  const patched = await rewriteMark(held, attempt);\n  if (patched',
      "  const patched = { kind: 'done' as 'done' | 'stale', node };\n  if (patched",
    ),
  },
  {
    name: 'asks again when nobody answers',
    promise: 'never twice',
    changes: one(
      'src/activities/restart.ts',
      '  const started = await ask(desk, attempt, guarded.ref);',
      "  const first = await ask(desk, attempt, guarded.ref);\n  const started = first.kind === 'unsure' ? await ask(desk, attempt, guarded.ref) : first;",
    ),
    regression: 'nobody-answers',
  },
  {
    name: 'asks for the restart however long ago it wrote the attempt',
    promise: 'never twice',
    changes: one(
      'src/activities/restart.ts',
      '  if (lateSeconds > askWithinSeconds) return',
      '  if (lateSeconds > 1e6 * askWithinSeconds) return',
    ),
    regression: 'asks-hours-later',
  },
  {
    name: 'forgets the attempt when the step is delivered again',
    promise: 'never twice',
    changes: [
      ...one(
        'src/activities/restart.ts',
        '  if (asked !== undefined && asked.number >= input.attempt) {',
        '  if (asked !== undefined && asked.number > input.attempt) {',
      ),
      ...one(
        'src/activities/restart.ts',
        '  if (asked !== undefined && !isOver(desk, asked.at, policy.bootTimeoutMinutes)) {',
        '  if (asked !== undefined && asked.number > 9) {',
      ),
    ],
    regression: 'restart-delivered-again',
  },
  {
    name: 'does not wait for the boot deadline',
    promise: 'never twice',
    changes: [
      ...one(
        'src/activities/boot.ts',
        '  if (!isOver(desk, asked.at, bootTimeoutMinutes)) {',
        '  if (!isOver(desk, asked.at, 2)) {',
      ),
      ...one(
        'src/activities/restart.ts',
        '  if (asked !== undefined && !isOver(desk, asked.at, policy.bootTimeoutMinutes)) {',
        '  if (asked !== undefined && !isOver(desk, asked.at, 2)) {',
      ),
      ...one(
        'src/activities/boot.ts',
        "const running = look.kind === 'running' || isBusy(instance);",
        'const running = false;',
      ),
    ],
  },
  {
    name: 'restarts again while Azure is still at the first one',
    promise: 'never twice',
    changes: [
      ...one(
        'src/activities/boot.ts',
        "const running = look.kind === 'running' || isBusy(instance);",
        'const running = false;',
      ),
      ...one(
        'src/activities/restart.ts',
        '  if (isBusy(instance)) {',
        "  if (instance.id === '') {",
      ),
    ],
    regression: 'restart-never-starts',
  },
  {
    name: 'does not take its attempt back for an unknown answer only',
    promise: 'never twice',
    changes: one(
      'src/activities/restart.ts',
      "      await tell(desk, held, 'RestartAsked', words);\n      return askedNow;",
      "      await tell(desk, held, 'RestartAsked', words);\n      return refused(desk, input, written, trouble);",
    ),
    regression: 'nobody-answers',
  },
  {
    name: 'does not look at the window before it cordons',
    promise: 'never out of hours',
    changes: one('src/decide/gates.ts', '  poolState,\n  window,\n', '  poolState,\n'),
  },
  {
    name: 'does not ask whether it fits into the window',
    promise: 'never out of hours',
    changes: one(
      'src/decide/gates/time.ts',
      '  if (leftMinutes >= minutes) return undefined;',
      '  if (leftMinutes >= Math.min(minutes, 0)) return undefined;',
    ),
    regression: 'window-ends-soon',
  },
  {
    name: 'cordons hours after the answer was read',
    promise: 'unknown is no',
    changes: one(
      'src/activities/cordon.ts',
      '  return isOver(desk, probe.at, answerServesMinutes)\n',
      '  return isOver(desk, probe.at, 100 * answerServesMinutes)\n',
    ),
    regression: 'cordon-hours-later',
  },
  {
    name: 'takes an answer for fresh that is read hours after it was given',
    promise: 'unknown is no',
    changes: one(
      'src/activities/probe.ts',
      '      return isOver(desk, input.since, answerServesMinutes)\n',
      '      return isOver(desk, input.since, 100 * answerServesMinutes)\n',
    ),
    regression: 'answer-read-hours-later',
  },
  {
    name: "takes any 404 for the API server's word that a node is gone",
    promise: 'nothing silent',
    changes: one(
      'src/kubernetes/refusal.ts',
      "  return status === 404 && reason === 'NotFound';",
      "  return status === 404 && reason !== 'Whatever';",
    ),
    regression: 'proxy-says-404',
  },
  {
    name: 'takes what is no object for one without an id',
    promise: 'nothing silent',
    changes: one(
      'src/kubernetes/answers.ts',
      '  if (isText(name) && isText(uid)) return object;',
      "  if (name !== '' || isText(uid)) return object;",
    ),
    regression: 'empty-object',
  },
  {
    name: 'takes what is no list for an empty one',
    promise: 'drained first',
    changes: one(
      'src/kubernetes/answers.ts',
      "  throw unreadable('it is no list of the API');",
      '  return [];',
    ),
    regression: 'empty-list',
  },
  {
    name: 'does not mind what AKS is doing',
    promise: 'unknown is no',
    changes: [
      ...one(
        'src/decide/gates/cluster.ts',
        "  if (cluster.provisioningState !== 'Succeeded') {",
        "  if (cluster.provisioningState === '') {",
      ),
      ...one(
        'src/decide/gates/cluster.ts',
        "  if (provisioningState !== 'Succeeded') {",
        "  if (provisioningState === '') {",
      ),
    ],
  },
  {
    name: 'cordons nodes that are not Ready',
    promise: 'unknown is no',
    changes: one(
      'src/decide/gates.ts',
      '  scheduledEvent,\n  nodeNotReady,\n  capacity,',
      '  scheduledEvent,\n  capacity,',
    ),
    regression: 'not-ready',
  },
  {
    name: 'asks nobody for approval',
    promise: 'unknown is no',
    changes: [
      ...one(
        'src/decide/gates/people.ts',
        '  if (!approvals.asked) return undefined;',
        "  if (!approvals.asked || node.name !== '') return undefined;",
      ),
    ],
    regression: 'nobody-approves',
  },
  {
    name: 'believes whatever machine a Node names, and takes its answer on any boot',
    promise: 'unknown is no',
    changes: [
      ...one('src/decide/identity.ts', '  return ours\n', '  return ours || ref.kind.length > 0\n'),
      ...one(
        'src/decide/identity.ts',
        '  if (instance.computerName.toLowerCase() !== node.name.toLowerCase()) {',
        "  if (instance.computerName === '') {",
      ),
      ...one(
        'src/activities/plan.ts',
        "(probe.probe.kind !== 'unknown' && probe.probe.bootId !== node.bootId);",
        "node.name === '';",
      ),
      ...one(
        'src/decide/gates/need.ts',
        "(facts.bootId === '' || facts.bootId !== node.bootId)",
        "facts.bootId === ''",
      ),
    ],
    regression: 'another-nodes-machine',
  },
  {
    name: 'recovers nothing',
    promise: 'crash anywhere',
    changes: one(
      'src/workflow/cluster.ts',
      "marks.marks.filter(({ whose }) => whose === 'dead')",
      "marks.marks.filter(({ whose }) => whose === 'dead' && run === '')",
    ),
  },
  {
    name: 'works on although another run has taken the node over',
    promise: 'proved',
    changes: one(
      'src/activities/node.ts',
      '  if (mark.value.run !== run || mark.value.fence !== fence) {',
      "  if (mark.value.run === '') {",
    ),
    regression: 'taken-over-while-booting',
  },
  {
    name: 'never takes a lock from the dead',
    promise: 'crash anywhere',
    changes: one(
      'src/workflow/cluster.ts',
      '    evict = lost.holders;',
      '    evict = lost.holders.slice(0, 0);',
    ),
    regression: 'terminated',
  },
  {
    name: 'takes a cluster that has no node any more for one that nobody can read',
    promise: 'crash anywhere',
    changes: one(
      'src/activities/closing.ts',
      '  const isKnown = reasons.length === 0 ? wasRead : isWaiting(reasons);',
      '  const isKnown = wasRead && isWaiting(reasons);',
    ),
    regression: 'empty-cluster-in-a-ring',
  },
  {
    name: 'says of a node whose record was lost that its turn did not come',
    promise: 'nothing silent',
    changes: [
      ...one(
        'src/activities/closing.ts',
        '    const result = known && unrecorded(known, run);',
        "    const result = known && run === '' ? unrecorded(known, run) : undefined;",
      ),
      ...one(
        'src/activities/closing.ts',
        'begun.includes(node.node) ? endless(node.node) : undefined',
        "begun.includes('') ? endless(node.node) : undefined",
      ),
    ],
    regression: 'record-lost',
  },
  {
    name: 'says of a node whose orchestration was terminated that its turn did not come',
    promise: 'nothing silent',
    changes: one(
      'src/activities/closing.ts',
      'begun.includes(node.node) ? endless(node.node) : undefined',
      "begun.includes('') ? endless(node.node) : undefined",
    ),
    regression: 'terminated-while-cordoning',
  },
  {
    name: 'does not record what it did to a node',
    promise: 'nothing silent',
    changes: one(
      'src/activities/finish.ts',
      '  await desk.reports.writeNodeResult(run, cluster, result);',
      "  if (run === '') await desk.reports.writeNodeResult(run, cluster, result);",
    ),
  },
  {
    name: 'says of a restarted node whose mark was taken away that it waits for its turn',
    promise: 'nothing silent',
    changes: [
      ...one(
        'src/activities/restart.ts',
        "  if (held.kind === 'ended') return restarted(held);",
        "  if (held.kind === 'ended') return held;",
      ),
      ...one(
        'src/activities/restart.ts',
        'return input.attempt === 1 ? now : restarted(now);',
        'return now;',
      ),
    ],
    regression: 'unmarked-after-restart',
  },
  {
    name: 'says of a node left out of service that it waits for its turn',
    promise: 'nothing silent',
    changes: one(
      'src/workflow/node.ts',
      "  return { kind: strandedKinds.includes(kind) ? kind : 'notRebooted', reasons };",
      "  return { kind: 'deferred', reasons };",
    ),
    regression: 'second-restart-stopped',
  },
];

/** The text with all changes to that file; throws when one does not apply exactly once. */
export function mutated(
  text: string,
  file: string,
  { name, changes }: Pick<Mutation, 'name' | 'changes'>,
): string {
  return changes
    .filter((change) => change.file === file)
    .reduce((changed, { from, to }) => {
      const [before, ...after] = changed.split(from);
      const [rest] = after;
      if (before === undefined || rest === undefined || after.length !== 1) {
        throw new Error(`"${name}" does not apply to ${file}: ${after.length} times ${from}`);
      }
      return before + to + rest;
    }, text);
}
