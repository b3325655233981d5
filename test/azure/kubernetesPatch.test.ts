import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  parseJsonPatch,
  PatchError,
} from '../../local/azure/kubernetes/patch.ts';
import {
  labelSelectorMatcher,
  parseFieldSelector,
  parseLabelSelector,
} from '../../local/azure/kubernetes/selectors.ts';

const node = {
  metadata: { annotations: { 'example.com/a': '1', 'tilde~key': '2' } },
  spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] },
};

function apply(...steps: object[]) {
  return applyJsonPatch(node, parseJsonPatch(JSON.stringify(steps)));
}

describe('a JSON Patch', () => {
  it('leaves the document as it was and gives a changed one', () => {
    const before = structuredClone(node);
    expect(apply({ op: 'add', path: '/spec/unschedulable', value: true })).toMatchObject({
      spec: { unschedulable: true },
    });
    expect(node).toEqual(before);
  });

  it('reads ~1 as a slash and ~0 as a tilde', () => {
    const result = apply(
      { op: 'test', path: '/metadata/annotations/example.com~1a', value: '1' },
      { op: 'remove', path: '/metadata/annotations/tilde~0key' },
    );
    expect(result).toMatchObject({ metadata: { annotations: { 'example.com/a': '1' } } });
    expect(JSON.stringify(result)).not.toContain('tilde');
  });

  it.each([
    ['null', { op: 'test', path: '/spec/unschedulable', value: null }],
    ['no value', { op: 'test', path: '/spec/unschedulable' }],
  ])('takes a missing member for equal to %s, as the server does', (_what, step) => {
    expect(apply(step)).toEqual(node);
  });

  it('adds where a replaced member is missing, as the server does', () => {
    expect(apply({ op: 'replace', path: '/spec/unschedulable', value: true })).toMatchObject({
      spec: { unschedulable: true },
    });
  });

  it.each([
    ['a failed test', { op: 'test', path: '/spec/unschedulable', value: false }],
    ['a missing parent', { op: 'add', path: '/spec/nowhere/deeper', value: 1 }],
    ['a test below a missing parent', { op: 'test', path: '/spec/nowhere/deeper' }],
    ['the removal of nothing', { op: 'remove', path: '/spec/unschedulable' }],
    ['an index beyond the list', { op: 'remove', path: '/spec/taints/1' }],
    ['an unknown operation', { op: 'increase', path: '/spec' }],
  ])('does not apply with %s', (_what, step) => {
    expect(() => apply(step)).toThrow(PatchError);
  });

  it('inserts, appends and removes elements of lists', () => {
    const taint = (key: string) => ({ key, effect: 'NoSchedule' });
    const result = apply(
      { op: 'add', path: '/spec/taints/-', value: taint('z') },
      { op: 'add', path: '/spec/taints/0', value: taint('w') },
      { op: 'remove', path: '/spec/taints/1' },
    );
    expect(result).toMatchObject({ spec: { taints: [taint('w'), taint('z')] } });
  });

  it('moves and copies', () => {
    const result = apply(
      { op: 'copy', from: '/spec/taints', path: '/spec/copied' },
      { op: 'move', from: '/spec/taints', path: '/spec/moved' },
    );
    expect(result).toMatchObject({ spec: { copied: node.spec.taints, moved: node.spec.taints } });
    expect(result).not.toHaveProperty('spec.taints');
  });

  it.each(['{}', '[{"path":"/a"}]', 'nonsense'])('is refused as malformed: %s', (text) => {
    expect(() => parseJsonPatch(text)).toThrow(PatchError);
  });
});

describe('a merge patch', () => {
  it('removes what is null, merges objects and replaces lists', () => {
    const patch = { metadata: { annotations: { 'example.com/a': null } }, spec: { taints: [] } };
    expect(applyMergePatch(node, patch)).toEqual({
      metadata: { annotations: { 'tilde~key': '2' } },
      spec: { taints: [] },
    });
  });
});

describe('a strategic merge patch', () => {
  it('merges conditions by their type', () => {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    const patch = { status: { conditions: [{ type: 'Drained', status: 'True' }] } };
    expect(applyStrategicMergePatch({ status }, patch)).toEqual({
      status: { conditions: [...status.conditions, ...patch.status.conditions] },
    });
    const remove = { status: { conditions: [{ $patch: 'delete', type: 'Ready' }] } };
    expect(applyStrategicMergePatch({ status }, remove)).toEqual({ status: { conditions: [] } });
  });

  it('replaces taints, which have no merge key', () => {
    const taints = [{ key: 'y', effect: 'NoExecute' }];
    expect(applyStrategicMergePatch(node, { spec: { taints } })).toMatchObject({
      spec: { taints },
    });
  });

  it('passes over ordering directives and replaces where it is told', () => {
    const patch = { '$setElementOrder/conditions': [], spec: { $patch: 'replace', a: 1 } };
    expect(applyStrategicMergePatch(node, patch)).toEqual({ ...node, spec: { a: 1 } });
  });
});

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'front' };
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app=other', false],
    ['missing!=x', true],
    ['app in (web, api),tier', true],
    ['app notin (web)', false],
    ['!missing', true],
    ['!app', false],
  ])('%j selects: %s', (text, expected) => {
    expect(parseLabelSelector(text)?.(labels)).toBe(expected);
  });

  it('is refused when it makes no sense', () => {
    expect(parseLabelSelector('app in web')).toBeUndefined();
  });

  it('in an object selects everything when empty and nothing when missing', () => {
    expect(labelSelectorMatcher({})(labels)).toBe(true);
    expect(labelSelectorMatcher(undefined)(labels)).toBe(false);
  });
});

describe('a field selector', () => {
  it('is a list of terms', () => {
    expect(parseFieldSelector('spec.nodeName=a,status.phase!=Failed')).toEqual([
      { field: 'spec.nodeName', equal: true, value: 'a' },
      { field: 'status.phase', equal: false, value: 'Failed' },
    ]);
    expect(parseFieldSelector('nonsense')).toBeUndefined();
  });
});
