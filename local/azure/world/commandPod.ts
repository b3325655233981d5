import type { Clock } from '../../clock.ts';
import type { Cluster } from './world.ts';

/** The pod in which AKS runs a command. */
export interface CommandPod {
  /** Whether it got to run in the time that AKS gives it. */
  started(): Promise<boolean>;
  /** Whether it is there and running at this moment. */
  runs(): boolean;
  /** It is over: AKS deletes pods that succeeded, and leaves others as they are (AKS#3935). */
  end(how: 'goes' | 'stays' | 'failed'): void;
}

const namespace = 'aks-command';
const startWithinMs = 60_000;

interface ApiPod {
  status?: { phase?: string };
}

/** Starts the pod: no tolerations, so that it needs a Ready node that takes anything. */
export function startCommandPod(options: {
  clock: Clock;
  cluster: Cluster;
  name: string;
}): CommandPod {
  const { clock, cluster, name } = options;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const ask = (method: string, url: string, body: unknown) =>
    void cluster.kubernetes.handle({
      method,
      url,
      headers: {
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
      body: JSON.stringify(body),
      user: 'azure',
    });
  const phase = () => (cluster.kubernetes.object(path) as ApiPod | undefined)?.status?.phase;
  ask('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  ask('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [],
      containers: [
        {
          name: 'container',
          image: 'mcr.microsoft.com/aks/command/runtime:master',
          resources: {
            requests: { cpu: '200m', memory: '500Mi' },
            limits: { cpu: '500m', memory: '1Gi' },
          },
        },
      ],
    },
  });
  return {
    async started() {
      const deadline = clock.now() + startWithinMs;
      while (clock.now() < deadline) {
        if (phase() === 'Running') return true;
        await clock.sleep(1000);
      }
      return false;
    },
    runs: () => phase() === 'Running',
    end(how) {
      const status = { status: { phase: how === 'failed' ? 'Failed' : 'Succeeded' } };
      if (phase() !== undefined) ask('PATCH', `${path}/status`, status);
      if (how === 'goes') ask('DELETE', path, { gracePeriodSeconds: 0 });
    },
  };
}
