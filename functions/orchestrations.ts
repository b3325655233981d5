import * as df from 'durable-functions';
import { lockEntity, lockEntityName } from '../src/lock/entity.ts';
import { clusterOrchestrator } from '../src/workflow/cluster.ts';
import { nodeOrchestrator } from '../src/workflow/node.ts';
import { preflightOrchestrator } from '../src/workflow/preflight.ts';
import { probeBatchOrchestrator } from '../src/workflow/probe.ts';
import { laneOrchestrator, runOrchestrator } from '../src/workflow/run.ts';
import { turnsOrchestrator } from '../src/workflow/turns.ts';

/** Registers the orchestrators and the lock entity. */
export function registerOrchestrations(): void {
  df.app.orchestration('run', runOrchestrator);
  df.app.orchestration('lane', laneOrchestrator);
  df.app.orchestration('cluster', clusterOrchestrator);
  df.app.orchestration('probeBatch', probeBatchOrchestrator);
  df.app.orchestration('turns', turnsOrchestrator);
  df.app.orchestration('node', nodeOrchestrator);
  df.app.orchestration('preflight', preflightOrchestrator);
  df.app.entity(lockEntityName, lockEntity);
}
