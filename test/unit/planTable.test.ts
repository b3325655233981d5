import { stripVTControlCharacters } from 'node:util';
import { grid } from '../../cli/grid.ts';
import { planLines } from '../../cli/planTable.ts';
import { printReport } from '../../cli/table.ts';
import type { ClusterReport, NodeReport, RunReport } from '../../src/domain/run.ts';

const node = (name: string, more: Partial<NodeReport> = {}): NodeReport => ({
  node: name,
  pool: 'web',
  decision: { kind: 'reboot', reasons: [{ kind: 'probe', value: 'reboot required: linux-base' }] },
  outcome: { kind: 'deferred', reasons: [] },
  wasUnschedulable: false,
  bootIdBefore: '',
  kernelBefore: '',
  instants: {},
  ...more,
});

const at = '2026-01-05T22:10:00.000Z';
const pod = { pod: 'default/lonely', state: 'refused' as const, why: 'nothing re-creates lonely' };
const cluster: ClusterReport = {
  cluster: 'shop-dlsdioxos3',
  id: '',
  reasons: [],
  recovered: [],
  notes: [],
  counts: {},
  outlook: {
    due: 2,
    kept: 0,
    fit: 1,
    window: { opensAt: '2026-01-05T22:00:00.000Z', closesAt: '2026-01-05T23:00:00.000Z' },
    doneBy: '2026-01-12T22:30:00.000Z',
    arisen: 2,
    served: 1,
    lookedAt: 2,
    warning: { value: '2 nodes came, 1 can go', settings: ['windows', 'concurrency'] },
  },
  nodes: [
    node('aks-web-73802164-vmss000001', { outcome: { kind: 'notNeeded', reasons: [] } }),
    node('aks-web-73802164-vmss000002', {
      turn: {
        position: 2,
        zone: 'westeurope-2',
        needSince: '2026-01-05T20:00:00.000Z',
        moves: { count: 3, pods: [pod], hopeless: [] },
        expected: { start: '2026-01-12T22:00:00.000Z', end: '2026-01-12T22:30:00.000Z' },
      },
    }),
    node('aks-web-73802164-vmss000003', {
      turn: {
        position: 1,
        zone: 'westeurope-3',
        needSince: '2026-01-01T20:00:00.000Z',
        moves: { count: 3, pods: [] },
        expected: { start: at, end: '2026-01-05T22:40:00.000Z' },
      },
    }),
    node('aks-web-73802164-vmss000004', {
      decision: {
        kind: 'wait',
        reasons: [{ kind: 'probe', value: 'the VM agent gave no answer' }],
      },
      outcome: { kind: 'unknown', reasons: [] },
    }),
  ],
};

const shown = (width: number) => planLines(cluster, at, width).map(stripVTControlCharacters);

it('shows of a report nothing that a terminal acts upon: others name what is in it', () => {
  const holder = 'claimed by \u001b[2J\u202ex\r\ny';
  const report: RunReport = {
    run: 'r',
    request: {
      source: 'http',
      purpose: 'reboot',
      clusters: [],
      pools: [],
      nodes: [],
      dryRun: false,
      reason: '',
    },
    settings: '',
    controller: 'c',
    startedAt: at,
    status: 'completed',
    counts: {},
    rings: [],
    approvals: [],
    clusters: [{ ...cluster, nodes: [], reasons: [{ kind: 'claim', value: holder }] }],
  };
  const [title = ''] = printReport(report, 200).split('\n');
  expect(title).toContain('claim: claimed by \ufffd[2J\ufffdx\ufffd\ufffdy');
});

describe('the plan on a terminal', () => {
  it('of 80 columns has what one needs most, and nothing beyond its edge', () => {
    expect(shown(80)).toEqual([
      '2 nodes are due, 1 fits the window from 01-05 22:00 to 01-05 23:00, all done by',
      '01-12 22:30 UTC',
      'Need arises faster than it is served: 2 nodes came, 1 can go; what helps:',
      'windows, concurrency',
      '#  NAME                         POOL  PLAN    START        WHY',
      '1  aks-web-73802164-vmss000003  web   reboot  01-05 22:10  reboot required: lin…',
      '2  aks-web-73802164-vmss000002  web   reboot  01-12 22:00  reboot required: lin…',
      '-  aks-web-73802164-vmss000004  web   wait                 the VM agent gave no…',
      '1 node needs no reboot',
      'In the way of a drain:',
      '  aks-web-73802164-vmss000002: nothing re-creates lonely',
    ]);
  });

  it('of 100 columns has age and pods as well, and of 200 everything', () => {
    const [header, first, second] = shown(100)
      .filter((line) => /^[#\d] /u.test(line))
      .slice(1);
    expect(header).toMatch(/^# +NAME +POOL +PLAN +DUE +PODS +START +WHY$/u);
    expect(first).toMatch(/ 4d +3 +01-05 22:10 /u);
    expect(second).toMatch(/ 2h +3! +01-12 22:00 /u);
    const everything = shown(200);
    expect(everything.join('\n')).toMatch(/ZONE .* END .*\n.*westeurope-3 .* 01-05 22:40 /u);
    for (const width of [40, 80, 120, 200]) {
      expect(Math.max(...shown(width).map(({ length }) => length))).toBeLessThanOrEqual(width);
    }
  });

  it('says so when nothing is due', () => {
    const outlook = { due: 0, kept: 0, fit: 0, arisen: 0, served: 0, lookedAt: 0 };
    expect(planLines({ ...cluster, outlook, nodes: [] }, at, 80)).toEqual(['Nothing is due.']);
  });
});

describe('a table', () => {
  it('leaves out a column that may go and has nothing to say', () => {
    const columns = [
      { name: 'A', cell: (row: string) => row },
      { name: 'B', cell: () => '', drop: 1 },
      { name: 'C', cell: () => 'c' },
    ];
    expect(grid(columns, ['x'], { width: 80 })).toEqual({ header: 'A   C', lines: ['x   c'] });
  });
});
