import { AsyncLocalStorage } from 'node:async_hooks';
import type { TokenCredential } from '@azure/core-auth';
import type { Fault as WireFault } from '../../local/azure/fleet.ts';
import type { RequestHook } from '../../local/azure/faults.ts';
import type { Carry } from '../../local/azure/inProcess.ts';
import type { WireAnswer, WireRequest } from '../../local/azure/listener.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import type { Documents } from '../../src/ports.ts';
import type { Chronicle, Hit } from './chronicle.ts';
import { kindOfRequest } from './requests.ts';
import type { Fault, FaultOf, Point, RequestKind, Return, Service, When } from './scenario.ts';
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
  /** Asks for a token each time, as if the last one had expired. */
  credential(kept: TokenCredential, life: Life): TokenCredential;
  /** Tells simulated Azure which of its answers go wrong. */
  readonly onRequest: RequestHook;
  /** From now on, for so many minutes, nothing of that service answers. */
  outage(fault: FaultOf<'outage'>): void;
  /** All outages are over, and no fault strikes any more. */
  mend(): void;
}

type Answering = (request: Request) => Promise<Response>;
type ExchangeFault = Extract<Fault, { at: Point }> & {
  kind: OnExchangeKind;
};
export type OnExchangeKind =
  'answer' | 'drop' | 'timeout' | 'slow' | 'garbage' | 'stale' | 'expired' | 'freeze' | 'crash';

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
  identity: 30,
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
const wire = new AsyncLocalStorage<WireFaults>();
interface WireFaults {
  service: Service;
  before?: WireFault;
  after?: WireFault;
}

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
  const frozen = new Map<Life, number>();
  const thawed = async ({ unit }: Passage) => {
    for (;;) {
      const until = unit === undefined ? 0 : (frozen.get(unit.life) ?? 0);
      if (until <= time.clock.now()) return;
      await time.standStill(until - time.clock.now());
    }
  };
  const stand = async (passage: Passage, when: When) => {
    const { fault, unit } = passage;
    if (fault?.kind === 'freeze' && fault.when === when) {
      strike(fault, passage);
      const milliseconds = fault.minutes * 60_000;
      if (fault.whole && unit !== undefined) frozen.set(unit.life, time.clock.now() + milliseconds);
      else await time.standStill(milliseconds);
    }
    await thawed(passage);
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
  /** One that this exchange gave no occasion to waits for the next one in that state. */
  const postpone = ({ unit }: Pick<Passage, 'unit'>, fault: ExchangeFault) => {
    const stay = unit && chronicle.machine.stayOf(unit.life.actor, unit.instance);
    if (stay === undefined || !('state' in fault.at) || fault.at.state !== stay.state) return;
    planned.set(keyOf({ ...fault.at, nth: stay.nth, exchange: stay.exchanges + 1 }), fault);
  };
  /** Whose lists have been cut into pages that will not be there. */
  const expiring = new Set<Life>();
  const pageByPage = (request: WireRequest, { unit, fault }: Passage): WireRequest => {
    if (unit === undefined || fault === undefined) return request;
    if (!isList(request)) {
      postpone({ unit }, fault);
      return request;
    }
    strike(fault, { service: 'kubernetes', kind: 'listPods', unit, key: '', fault });
    expiring.add(unit.life);
    return { ...request, url: request.url.replace(/\blimit=\d+/u, 'limit=1') };
  };
  const isLate = ({ url }: WireRequest, { unit }: Passage) =>
    /[?&]continue=/u.test(url) && unit !== undefined && expiring.delete(unit.life);
  /** What the same question was answered before; the API server's answers are never old. */
  const remember = ({ service }: Passage, { method, url }: WireRequest, answer: WireAnswer) => {
    if (method !== 'GET' || service !== 'arm') return undefined;
    const older = memory.get(url);
    memory.set(url, answer);
    return older;
  };
  const outageOf = (service: Service) => [...outages].find(({ of }) => of === service);

  const carry: Carry = async (service, request, answer) => {
    const passage = enter(service, kindOfRequest(service, request));
    await latency(passage, 'there');
    interrupt(passage, 'before');
    const since = time.clock.now();
    await stand(passage, 'before');
    // Its deadline ends what has stood so long, before anything is sent.
    if (time.clock.now() - since > deadlineSeconds[service] * 1000) throw new NoAnswer();
    const out = outageOf(service);
    if (out?.how === 'slow') await time.sleep(slowOutageMs);
    else if (out !== undefined) return refuse(out, passage, unanswered);
    const { fault } = passage;
    if (isLate(request, passage)) return expired;
    if (fault !== undefined && !strikesItself(fault)) strike(fault, passage);
    if (fault?.kind === 'timeout' && fault.when === 'late') {
      const seconds = deadlineSeconds[service] + 1 + 25 * time.dice(passage.key);
      time.after(seconds, () => wire.exit(() => answer(request)));
      return unanswered(passage);
    }
    const asked = fault?.kind === 'expired' ? pageByPage(request, passage) : request;
    const answered = await wire.run(wireFaults(fault, service), () => answer(asked));
    interrupt(passage, 'after');
    await stand(passage, 'after');
    if (answered.kind === 'drop' && fault?.kind === 'timeout') return unanswered(passage);
    await latency(passage, 'back');
    if (answered.kind !== 'body') return answered;
    if (fault?.kind === 'garbage') return spoiled(answered, fault.how);
    const older = remember(passage, request, answered);
    if (fault?.kind !== 'stale') return answered;
    if (older === undefined) {
      postpone(passage, fault);
      return answered;
    }
    strike(fault, passage);
    return older;
  };

  return {
    carry,
    onRequest({ service }, when) {
      const told = wire.getStore();
      // A command of AKS asks the API server within the request that has started it.
      return told?.service === service ? told[when] : undefined;
    },
    credential: (kept, life) => ({
      async getToken(...asked) {
        const unit = presentUnit();
        const nth = (counts.get('token') ?? 0) + 1;
        counts.set('token', nth);
        const fault = planned.get(`token ${nth}`);
        const isDue = fault !== undefined && !strikesItself(fault);
        if (isDue) chronicle.strike(fault, life.actor, unit && stepOf(unit));
        if (isDue || outageOf('identity') !== undefined) throw new NoToken();
        const token = await kept.getToken(...asked);
        return token === null ? null : { ...token, expiresOnTimestamp: 0 };
      },
    }),
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
      frozen.clear();
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
    await stand(passage, 'before');
    const out = outageOf(service);
    if (out?.how === 'slow') await time.sleep(slowOutageMs);
    else if (out !== undefined) throw storageTrouble(service);
    const { fault } = passage;
    const isPlain = fault !== undefined && !strikesItself(fault);
    const fails = isPlain && fault.kind !== 'slow';
    if (isPlain) strike(fault, passage);
    if (fault?.kind === 'stale' || fault?.kind === 'expired') postpone(passage, fault);
    if (fails && !('when' in fault && fault.when !== 'before')) throw storageTrouble(service);
    const answer = await effect();
    interrupt(passage, 'after');
    await stand(passage, 'after');
    await latency(passage, 'back');
    if (fails) throw storageTrouble(service);
    return answer;
  }
}

/** Faults that say themselves when they have struck, if they have. */
const strikesItself = ({ kind }: ExchangeFault) =>
  ['crash', 'freeze', 'expired', 'stale'].includes(kind);
const slowOutageMs = 15_000;
const isList = ({ method, url }: WireRequest) =>
  method === 'GET' && /^\/api\/v1\/(?:pods|nodes)\?.*\blimit=\d+/u.test(url);

/** Milliseconds one way, about. */
function usualLatency(service: Service): number {
  switch (service) {
    case 'arm':
      return 120;
    case 'kubernetes':
      return 25;
    case 'client':
    case 'documents':
    case 'identity':
      return 12;
  }
}

/** As the identity SDK words it when nobody gives it a token. */
class NoToken extends Error {
  override readonly name = 'AuthenticationRequiredError';

  constructor() {
    super('ManagedIdentityCredential: authentication failed.');
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
  if (how === 'timeout' || how === 'slow') return unanswered(passage);
  const body = of === 'arm' ? armError(how, 'ServerError') : kubernetesError(how);
  return bodyOf(how, body, how === 429 ? { 'retry-after': '20' } : {});
}

function wireFaults(fault: ExchangeFault | undefined, service: Service): WireFaults {
  switch (fault?.kind) {
    case 'answer': {
      const { status, code = 'Whatever', retryAfter, when } = fault;
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      const body = { ...armError(status, code), ...kubernetesError(status) };
      return { service, [when]: { kind: 'answer', status, headers, body } };
    }
    case 'drop':
      return { service, [fault.when]: { kind: 'drop' } };
    case 'timeout':
      return fault.when === 'late' ? { service } : { service, [fault.when]: { kind: 'drop' } };
    case 'slow':
    case 'garbage':
    case 'stale':
    case 'expired':
    case 'freeze':
    case 'crash':
    case undefined:
      return { service };
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

/** As an API server refuses the token of a list that has been compacted meanwhile. */
const expired: WireAnswer = bodyOf(410, {
  ...kubernetesError(410),
  reason: 'Expired',
  message: 'The provided continue parameter is too old to display a consistent list result.',
});

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
