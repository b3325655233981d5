import { lastRefusalAnnotation, writeLastRefusal } from '../../src/domain/mark.ts';
import type { LastRefusal } from '../../src/domain/mark.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { refusedBefore } from '../../src/decide/gates/refusals.ts';
import { dayMs, instant, nodeOf, now, sceneOf, sightOf } from '../support/sights.ts';

/** Nodes whose restart was refused are not drained for nothing. */

const refusal = (over: Partial<LastRefusal> = {}): NodeView['annotations'] => ({
  [lastRefusalAnnotation]: writeLastRefusal({
    at: instant(now - dayMs / 2),
    scope: 'node',
    value: 'restart/action on web-1',
    ...over,
  }),
});
const self = (annotations: NodeView['annotations']) => nodeOf({ annotations });
const other = (annotations: NodeView['annotations']) =>
  nodeOf({ name: 'aks-work-12345678-vmss000001', annotations });

describe('a restart that was refused', () => {
  it.each<[string, NodeView, number, boolean]>([
    ['keeps the node from being drained again', self(refusal()), 1, true],
    ['is forgotten in time', self(refusal({ at: instant(now - dayMs) })), 1, false],
    ['is forgotten at once, if settings say so', self(refusal()), 0, false],
    ["is no other node's business", other(refusal()), 1, false],
    ["is every node's, where a right is missing", other(refusal({ scope: 'cluster' })), 1, true],
    ["is the node's when the note can't be read", self({ [lastRefusalAnnotation]: 'x' }), 1, true],
    [
      "is no other's when the note can't be read",
      other({ [lastRefusalAnnotation]: 'x' }),
      1,
      false,
    ],
  ])('%s', (_name, node, minDaysBetweenReboots, keeps) => {
    const sight = sightOf({ policy: { minDaysBetweenReboots } });
    const reason = refusedBefore(sight, sceneOf({ refused: [node] }));
    expect(reason?.kind).toBe(keeps ? 'restartRefused' : undefined);
    const clear = `${lastRefusalAnnotation} from ${node.name}`;
    expect(reason?.value ?? '').toContain(keeps ? clear : '');
  });

  it('fits onto the node, however much Azure had to say', () => {
    const text = writeLastRefusal({ at: instant(now), scope: 'node', value: 'x'.repeat(5000) });
    expect(text.length).toBeLessThan(400);
  });
});
