/**
 * What sources other than the node and its cluster's state say. Each is asked a question, and what
 * nobody could answer stays unread: then nobody can say that nothing is in the way.
 */
export type Reading<T> = { kind: 'read'; value: T } | { kind: 'unread'; value: string };

/** Pods with certain labels. */
export interface PodsQuestion {
  /** A label selector. */
  selector: string;
  /** Empty means all. */
  namespace: string;
}

/** A pod that runs, or is about to. */
export interface PodSeen {
  /** `namespace/name`. */
  pod: string;
  /** Empty while it waits for one. */
  node: string;
  /** `namespace/name` of the DaemonSet that it belongs to; empty for none. */
  daemonSet: string;
}

/** An instant query to a Prometheus server. */
export interface PrometheusQuestion {
  /** Where its API is, without `/api/v1`. */
  url: string;
  /** `entra`: with a token for Azure Monitor workspaces. */
  auth: 'none' | 'entra';
  query: string;
}

export interface Sample {
  labels: Readonly<Record<string, string>>;
  /** As Prometheus writes numbers: `1`, `NaN`, `+Inf`. */
  value: string;
}

/** A vector has a sample for each series that is there; a scalar is always there. */
export interface PrometheusAnswer {
  kind: 'vector' | 'scalar';
  samples: readonly Sample[];
}

/** Alerts of Azure Monitor that have fired: on one resource, or on all those of a group. */
export type AlertsQuestion = { subscription: string } & (
  { target: 'resource'; id: string } | { target: 'group'; name: string }
);

/** An alert that has fired and is not resolved. */
export interface AlertSeen {
  name: string;
  /** `Sev0` (the worst) to `Sev4`. */
  severity: string;
  /** ARM id of what it is about. */
  resource: string;
  /** Somebody has closed it, or silenced it by an alert processing rule. */
  silenced: boolean;
}

/** Answers by the text of their question. */
export type Answers<T> = ReadonlyMap<string, Reading<readonly T[]>>;

/** Everything that outside sources were asked at one moment. */
export interface Outside {
  pods: Answers<PodSeen>;
  prometheus: ReadonlyMap<string, Reading<PrometheusAnswer>>;
  alerts: Answers<AlertSeen>;
}

/** Nobody was asked anything: every gate that would have to know denies. */
export const nothingAsked: Outside = {
  pods: new Map(),
  prometheus: new Map(),
  alerts: new Map(),
};

/** The text under which a question's answer is kept. */
export function keyOf(question: PodsQuestion | PrometheusQuestion | AlertsQuestion): string {
  return JSON.stringify(question);
}

/** What was answered to a question; `unread` when it was not asked. */
export function answerTo<T>(
  answers: ReadonlyMap<string, Reading<T>>,
  question: PodsQuestion | PrometheusQuestion | AlertsQuestion,
): Reading<T> {
  return answers.get(keyOf(question)) ?? { kind: 'unread', value: 'it was not asked' };
}
