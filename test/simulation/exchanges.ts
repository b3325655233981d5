import { AsyncLocalStorage } from 'node:async_hooks';
import type { Fault as WireFault } from '../../local/azure/fleet.ts';
import type { RequestHook } from '../../local/azure/faults.ts';
import type { Carry } from '../../local/azure/inProcess.ts';
import type { WireAnswer, WireRequest } from '../../local/azure/listener.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import type { Documents } from '../../src/ports.ts';
import type { Chronicle, Hit } from './chronicle.ts';
import { kindOfRequest } from './requests.ts';
import type { Fault, FaultOf, Point, RequestKind, Return, Service } from './scenario.ts';
import { DeadProcess, presentUnit } from './time.ts';
import type { Life, Time, Unit } from './time.ts';

/**
 * Everything that the program exchanges with the outside passes here: it takes its time, and
 * goes wrong as the scenario says.
 */
export interface Exchanges {
  readonly carry: Carry;
  /** Between the durable client and its host. */
  readonly carryClient: (request: Request, answer: Answering) => Promise<Response>;
  documents(kept: Documents): Documents;
  /** Tells simulated Azure which of its answers go wrong. */
  readonly onRequest: RequestHook;
  /** From now on, for so many minutes, nothing of that service answers. */
  outage(fault: FaultOf<'outage'>): void;
  /** All outages are over, and no fault strikes any more. */
  mend(): void;
}

type Answering = (request: Request) => Promise<Response>;
type ExchangeFault = Extract<Fault, { at: Point }> & {
  kind: 'answer' | 'drop' | 'timeout' | 'slow' | 'garbage' | 'stale' | 'crash';
};

export interface ExchangesOptions {
  time: Time;
  chronicle: Chronicle;
  faults: readonly Fault[];
  /** Ends the process at once. */
  crash: (life: Life, back: Return) => void;
}

const deadlineSeconds: Record<Service, number> = {
  arm: 30,
  kubernetes: 20,
  client: 30,
  documents: 30,
};

const keyOf = (at: Point) => {
  if ('request' in at) return `${at.request} ${at.nth}`;
  return 'step' in at
    ? `${at.step} ${at.nth} ${at.exchange}`
    : `in ${at.state} ${at.nth} ${at.exchange}`;
};

const isOnExchange = (fault: Fault): fault is ExchangeFault =>
  'at' in fault && ('request' in fault.at || 'exchange' in fault.at);

const everybody: Hit = { kind: 'all' };
const stepOf = ({ step, instance }: Unit): Hit => ({ kind: 'step', step, instance });

/** What simulated Azure is told about the exchange that it is asked in. */
const wire = new AsyncLocalStorage<{ before?: WireFault; after?: WireFault }>();

/** One exchange on its way. */
interface Passage {
  service: Service;
  kind: RequestKind;
  unit: Unit | undefined;
  /** For dice: the same one in every replay. */
  key: string;
  fault: ExchangeFault | undefined;
}

export function createExchanges(options: ExchangesOptions): Exchanges {
  const { time, chronicle } = options;
  const planned = new Map(
    options.faults.filter(isOnExchange).map((fault) => [keyOf(fault.at), fault]),
  );
  const counts = new Map<RequestKind, number>();
  const outages = new Set<FaultOf<'outage'>>();
  const memory = new Map<string, WireAnswer>();

  const strike = (fault: Fault, { unit }: Passage) => {
    const hit = fault.kind === 'crash' || unit === undefined ? everybody : stepOf(unit);
    chronicle.strike(fault, unit?.life.actor, hit);
  };
  const inState = ({ life, instance }: Unit) => {
    const stay = chronicle.machine.stayOf(life.actor, instance);
    if (stay === undefined) return '';
    stay.exchanges += 1;
    return `in ${stay.state} ${stay.nth} ${stay.exchanges}`;
  };
  const enter = (service: Service, kind: RequestKind): Passage => {
    const unit = presentUnit();
    const nth = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, nth);
    const byKind = `${kind} ${nth}`;
    const place = unit === undefined ? byKind : `${unit.step} ${unit.nth} ${(unit.exchanges += 1)}`;
    const within = unit === undefined ? '' : inState(unit);
    const fault = planned.get(place) ?? planned.get(within) ?? planned.get(byKind);
    return { service, kind, unit, key: `${place} ${kind}`, fault };
  };
  const latency = async ({ key, fault, service }: Passage, direction: 'there' | 'back') => {
    const slow = fault?.kind === 'slow' && direction === 'there' ? fault.seconds * 1000 : 0;
    await time.sleep(slow + usualLatency(service) * (0.2 + 1.6 * time.dice(`${key} ${direction}`)));
  };
  const unanswered = async (passage: Passage): Promise<never> => {
    await time.sleep(deadlineSeconds[passage.service] * 1000);
    throw new NoAnswer();
  };
  const interrupt = (passage: Passage, when: 'before' | 'after') => {
    const { fault, unit } = passage;
    if (fault?.kind !== 'crash' || fault.when !== when || unit === undefined) return;
    strike(fault, passage);
    options.crash(unit.life, fault.back);
    throw new DeadProcess();
  };
  const outageOf = (service: Service) => [...outages].find(({ of }) => of === service);

  const carry: Carry = async (service, request, answer) => {
    const passage = enter(service, kindOfRequest(service, request));
    await latency(passage, 'there');
    interrupt(passage, 'before');
    const out = outageOf(service);
    if (out !== undefined) return refuse(out, passage, unanswered);
    const { fault } = passage;
    if (fault !== undefined && fault.kind !== 'crash') strike(fault, passage);
    if (fault?.kind === 'timeout' && fault.when === 'late') {
      const seconds = deadlineSeconds[service] + 1 + 25 * time.dice(passage.key);
      time.after(seconds, () => wire.exit(() => answer(request)));
      return unanswered(passage);
    }
    const answered = await wire.run(wireFaults(fault), () => answer(request));
    interrupt(passage, 'after');
    if (answered.kind === 'drop' && fault?.kind === 'timeout') return unanswered(passage);
    await latency(passage, 'back');
    return told(fault, request, answered, memory);
  };

  return {
    carry,
    onRequest: (_request, when) => wire.getStore()?.[when],
    async carryClient(request, answer) {
      return exchangeInside('client', 'client', () => answer(request));
    },
    documents: (kept) => ({
      read: (path) => exchangeInside('documents', 'readDocument', () => kept.read(path)),
      list: (...asked) => exchangeInside('documents', 'readDocument', () => kept.list(...asked)),
      write: (...given) => exchangeInside('documents', 'writeDocument', () => kept.write(...given)),
      removeAll: (prefix) =>
        exchangeInside('documents', 'writeDocument', () => kept.removeAll(prefix)),
    }),
    outage(fault) {
      outages.add(fault);
      time.after(fault.minutes * 60, () => void outages.delete(fault));
    },
    mend() {
      outages.clear();
      planned.clear();
    },
  };

  /** With the program's own storage: a call works, or it does not, with or without its effect. */
  async function exchangeInside<T>(
    service: 'client' | 'documents',
    kind: RequestKind,
    effect: () => Promise<T>,
  ): Promise<T> {
    const passage = enter(service, kind);
    await latency(passage, 'there');
    interrupt(passage, 'before');
    const out = outageOf(service);
    if (out !== undefined) throw storageTrouble(service);
    const { fault } = passage;
    const fails = fault !== undefined && fault.kind !== 'slow' && fault.kind !== 'crash';
    if (fault !== undefined && fault.kind !== 'crash') strike(fault, passage);
    if (fails && !('when' in fault && fault.when !== 'before')) throw storageTrouble(service);
    const answer = await effect();
    interrupt(passage, 'after');
    await latency(passage, 'back');
    if (fails) throw storageTrouble(service);
    return answer;
  }
}

/** Milliseconds one way, about. */
function usualLatency(service: Service): number {
  switch (service) {
    case 'arm':
      return 120;
    case 'kubernetes':
      return 25;
    case 'client':
    case 'documents':
      return 12;
  }
}

class NoAnswer extends Error {
  override readonly name = 'AbortError';

  constructor() {
    super('The operation was aborted.');
  }
}

function storageTrouble(service: 'client' | 'documents'): Error {
  // The blob adapter says trouble; the durable client's SDK throws what its HTTP library did.
  return service === 'documents'
    ? new TroubleError({ kind: 'unreachable', value: 'the storage has a bad moment' })
    : new Error('connect ECONNREFUSED');
}

function refuse(
  { how, of }: FaultOf<'outage'>,
  passage: Passage,
  unanswered: (passage: Passage) => Promise<never>,
): Promise<WireAnswer> | WireAnswer {
  if (how === 'drop') return { kind: 'drop' };
  if (how === 'timeout') return unanswered(passage);
  const body = of === 'arm' ? armError(how, 'ServerError') : kubernetesError(how);
  return bodyOf(how, body, how === 429 ? { 'retry-after': '20' } : {});
}

function wireFaults(fault: ExchangeFault | undefined): { before?: WireFault; after?: WireFault } {
  switch (fault?.kind) {
    case 'answer': {
      const { status, code = 'Whatever', retryAfter, when } = fault;
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      const body = { ...armError(status, code), ...kubernetesError(status) };
      return { [when]: { kind: 'answer', status, headers, body } };
    }
    case 'drop':
      return { [fault.when]: { kind: 'drop' } };
    case 'timeout':
      return fault.when === 'late' ? {} : { [fault.when]: { kind: 'drop' } };
    case 'slow':
    case 'garbage':
    case 'stale':
    case 'crash':
    case undefined:
      return {};
  }
}

const armError = (status: number, code: string) => ({ error: { code, message: `HTTP ${status}` } });
const kubernetesError = (code: number) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: `HTTP ${code}`,
  code,
});

function bodyOf(status: number, body: unknown, headers: Record<string, string> = {}): WireAnswer {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/** What the asker gets to read. */
function told(
  fault: ExchangeFault | undefined,
  { method, url }: WireRequest,
  answer: WireAnswer,
  memory: Map<string, WireAnswer>,
): WireAnswer {
  if (answer.kind !== 'body') return answer;
  if (fault?.kind === 'garbage') return spoiled(answer, fault.how);
  if (method !== 'GET') return answer;
  const older = memory.get(url);
  // Operations are asked by signed URLs of their own, and those of Kubernetes are consistent.
  memory.set(url, answer);
  return fault?.kind === 'stale' ? (older ?? answer) : answer;
}

type Body = Extract<WireAnswer, { kind: 'body' }>;

function spoiled(answer: Body, how: FaultOf<'garbage'>['how']): WireAnswer {
  switch (how) {
    case 'html':
      return { ...answer, headers: { 'content-type': 'text/html' }, body: '<html>proxy</html>' };
    case 'cut':
      return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
    case 'empty':
      return { ...answer, body: '' };
    case 'types':
      return { ...answer, body: JSON.stringify({ items: 7, properties: 'x', metadata: [] }) };
    case 'object':
      return { ...answer, body: '{}' };
  }
}
